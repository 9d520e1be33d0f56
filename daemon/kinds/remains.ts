/** Ends what a program leaves behind: processes of its group, and those that carry its variables. */
import { setTimeout as sleep } from 'node:timers/promises'
import { monotonicNow } from '../../worker/protocol/scoreboard.ts'
import { kinOf } from '../system/process-tree.ts'

export interface RemainsOptions {
  /** The process that has ended, which led a process group of its own. */
  readonly pid: number
  /** In the environment of everything that it has started, as `NAME=value`. */
  readonly marks: readonly string[]
  /** How long they may take to leave, in milliseconds. */
  readonly patienceMs: number
  /** The text follows the name of the worker. */
  readonly report: (text: string) => void
}

const pollMs = 100

/** How long the kernel may take to end what was killed, in milliseconds. */
const endingMs = 1_000

/** What is being ended. */
const pending = new Set<() => readonly number[]>()

/** Asks what is left of a program to leave, and kills it when its time is over; undefined if nothing is left. */
export function endRemains(options: RemainsOptions): Promise<void> | undefined {
  const { pid, marks, report } = options
  const living = () => kinOf(pid, marks)
  const left = living()
  if (left.length === 0) return undefined
  const words = left.length === 1 ? 'a process' : `${left.length} processes`
  report(`has ended and left ${words} behind (pid ${left.join(', ')}): asking them to leave`)
  signal(left, 'SIGTERM')
  pending.add(living)
  return waitAndKill(living, options).finally(() => pending.delete(living))
}

async function waitAndKill(living: () => readonly number[], options: RemainsOptions): Promise<void> {
  const { patienceMs, report } = options
  const stubborn = await remaining(living, patienceMs)
  if (stubborn.length === 0) return
  report(`left processes behind that do not leave: killing them (pid ${stubborn.join(', ')})`)
  signal(stubborn, 'SIGKILL')
  await remaining(living, endingMs)
}

/** The arbiter ends: nobody else would end them. */
export function killRemains(): void {
  for (const living of pending) signal(living(), 'SIGKILL')
}

async function remaining(look: () => readonly number[], milliseconds: number): Promise<readonly number[]> {
  const until = monotonicNow() + milliseconds
  let left = look()
  while (left.length > 0 && monotonicNow() < until) {
    await sleep(pollMs)
    left = look()
  }
  return left
}

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name)
    } catch (error) {
      // It has ended, or has become another user's.
      if (!['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    }
  }
}
