/** How long a worker may take in each state; one that takes longer is killed. */
import type { WorkerState } from './worker-state.ts'

/** The part of a worker that its deadlines depend on. */
export interface TimedWorker {
  readonly age: number
  readonly generation: number
  readonly state: WorkerState
  /** Its process has been started: a wait before that is not its fault. */
  readonly isStarted: boolean
  /** When it entered this state. */
  readonly since: number
  /** Its last known heartbeat; `since` until there is one. */
  readonly heartbeat: number
  /** It has reported that it cannot boot, and finishes what it has accepted. */
  readonly failure: object | undefined
  /** It is being killed, whatever its state: only its exit is awaited. */
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
  if (worker.killed) return []
  const { age, since } = worker
  const found: Deadline[] = []
  const add = (why: KillReason, from: number, limit: number) => {
    if (limit > 0) found.push({ age, at: from + limit, why })
  }
  switch (worker.state) {
    case 'spawned':
    case 'booting':
      if (worker.failure) add('graceful_timeout', since, drainLimit(limits))
      else if (worker.isStarted) add('boot_timeout', since, limits.boot)
      break
    case 'draining':
      add('graceful_timeout', since, drainLimit(limits))
      add('timeout', worker.heartbeat, limits.heartbeat)
      break
    case 'ready':
      add('timeout', worker.heartbeat, limits.heartbeat)
      break
    // It may not have reached its first heartbeat.
    case 'cancelled':
    case 'quitting':
      add('quick stop', since, limits.quick)
  }
  return found
}

/** A drain always ends. */
export function drainLimit({ graceful }: Limits): number {
  return Math.max(graceful, 1)
}
