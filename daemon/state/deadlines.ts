/** How long a worker may take for what it does; whoever takes longer is killed. */
import type { WorkerState } from './worker-state.ts'

/** What of a worker its deadlines depend on. */
export interface TimedWorker {
  readonly age: number
  readonly generation: number
  readonly state: WorkerState
  /** Its process has been started: what it waits for before that is not its fault. */
  readonly isStarted: boolean
  /** When it entered this state, or was told to quit. */
  readonly since: number
  /** Its last heartbeat that is known; counted from `since` until there is one. */
  readonly heartbeat: number
  /** It was told to stop at once. */
  readonly quit: boolean
  /** It is being killed: it only has to be reaped. */
  readonly killed: boolean
}

/** How long a worker may take, in milliseconds; 0 means for ever. */
export interface Limits {
  readonly boot: number
  readonly heartbeat: number
  readonly graceful: number
  readonly quick: number
}

export type KillReason = 'boot_timeout' | 'timeout' | 'graceful_timeout' | 'quick stop'

export interface Deadline {
  readonly age: number
  readonly at: number
  readonly why: KillReason
}

export function deadlinesOf(worker: TimedWorker, limits: Limits): Deadline[] {
  if (worker.killed || worker.state === 'exited') return []
  const { age, since } = worker
  const found: Deadline[] = []
  const add = (why: KillReason, from: number, limit: number) => {
    if (limit > 0) found.push({ age, at: from + limit, why })
  }
  if (worker.quit) add('quick stop', since, limits.quick)
  else if (worker.state === 'draining') add('graceful_timeout', since, drainLimit(limits))
  else if (worker.state !== 'ready' && worker.isStarted) add('boot_timeout', since, limits.boot)
  // One that was told to quit may not have come as far as its first heartbeat.
  if (worker.state === 'ready' || (worker.state === 'draining' && !worker.quit))
    add('timeout', worker.heartbeat, limits.heartbeat)
  return found
}

/** A drain always ends. */
export function drainLimit({ graceful }: Limits): number {
  return Math.max(graceful, 1)
}
