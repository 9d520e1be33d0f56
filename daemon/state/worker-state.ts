/** The states of a worker, in order: it may skip some, but never goes back. */
import type { WorkerState } from '../../hooks/table.ts'

export type { WorkerState }

/** What each state means, for the documentation and for readers of the log. */
export const workerStateMeanings: Readonly<Record<WorkerState, string>> = {
  spawned: 'Asked for; `pre_fork` runs or the process is being started',
  booting: 'The process is up and loads its hooks and the app',
  ready: 'It listens and serves',
  cancelled: 'It was told to leave before it was ready; if it has just begun to serve, it drains',
  draining: 'It was asked to finish: it takes nothing new and answers what it has',
  quitting: 'It was told to leave at once',
  exited: 'The process is gone',
}

export const workerStates = Object.keys(workerStateMeanings) as readonly WorkerState[]

/** Whether a worker in state `from` may enter `to`. */
export function mayBecome(from: WorkerState, to: WorkerState): boolean {
  return workerStates.indexOf(to) > workerStates.indexOf(from)
}

/** Whether a worker in this state was asked to leave, and has not left yet. */
export function isLeaving(state: WorkerState): boolean {
  return state === 'cancelled' || state === 'draining' || state === 'quitting'
}
