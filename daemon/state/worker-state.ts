/** The states of a worker, in order: it may skip some, but never goes back. */
export const workerStates = ['spawned', 'booting', 'ready', 'draining', 'exited'] as const

export type WorkerState = (typeof workerStates)[number]

/** What each state means, for the documentation and for readers of the log. */
export const workerStateMeanings: Readonly<Record<WorkerState, string>> = {
  spawned: 'Asked for; `pre_fork` runs or the process is being started',
  booting: 'The process is up and loads its hooks and the app',
  ready: 'It listens and serves',
  draining: 'It was asked to finish: it takes nothing new and answers what it has',
  exited: 'The process is gone',
}

/** Whether a worker in state `from` may enter `to`. */
export function mayBecome(from: WorkerState, to: WorkerState): boolean {
  return workerStates.indexOf(to) > workerStates.indexOf(from)
}
