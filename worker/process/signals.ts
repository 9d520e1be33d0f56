/**
 * Intercepts the signals that end processes. The worker first finishes its requests, and only then may the app shut
 * down: so the app's listeners get these signals from the worker, not from the system, and cannot see that the worker
 * listens.
 */
import { constants } from 'node:os'
import type { WorkerLog } from './log.ts'

/** In the order in which the app is checked for listeners. */
export const endingSignals = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const

/** Signals for the arbiter, which may be sent to the whole process group. */
export const harmlessSignals = ['SIGHUP', 'SIGTTIN', 'SIGTTOU', 'SIGUSR2', 'SIGWINCH'] as const

export type EndingSignal = (typeof endingSignals)[number]

type Emit = (event: string | symbol, ...args: readonly unknown[]) => boolean

/** Call once, before any code of the app runs; `onSignal` is called for each of these signals. */
export function interceptSignals(onSignal: (signal: EndingSignal) => void): void {
  const emit = process.emit as Emit
  const intercepted: Emit = function (this: NodeJS.Process, event, ...args) {
    if (isEnding(event)) {
      onSignal(event)
      return true
    }
    // Node stops listening for a signal when its last listener is removed.
    if (event === 'removeListener' && isEnding(args[0])) return false
    return Reflect.apply(emit, this, [event, ...args])
  }
  process.emit = intercepted as typeof process.emit
  for (const signal of endingSignals) {
    // The first listener makes Node listen, with the `emit` of that moment.
    process.on(signal, ignore)
    process.off(signal, ignore)
  }
}

export function logNoEffect(signal: NodeJS.Signals, log: Pick<WorkerLog, 'info'> | undefined): void {
  // A terminal sends this one to the whole group when its window changes.
  if (signal === 'SIGWINCH') return
  log?.info(`${signal.slice(3)} has no effect on a worker: send it to the arbiter (pid ${process.ppid})`)
}

function isEnding(event: unknown): event is EndingSignal {
  return endingSignals.some(signal => signal === event)
}

function ignore(): void {
  return
}

/** Calls the app's listeners for this signal, and returns their results. */
export function emitToApp(signal: EndingSignal): unknown[] {
  return process
    .rawListeners(signal)
    .map(listener => Reflect.apply(listener, process, [signal, constants.signals[signal]]) as unknown)
}
