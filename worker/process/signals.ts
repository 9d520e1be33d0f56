/**
 * The signals by which processes are ended. A worker that hears one finishes first what it has; what the app does at its end comes
 * after that. So the app's listeners do not get them from the system, and do not see that somebody else listens.
 */
import { constants } from 'node:os'

/** In the order in which the app is asked whether it listens to them. */
export const endingSignals = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const

export type EndingSignal = (typeof endingSignals)[number]

type Emit = (event: string | symbol, ...args: readonly unknown[]) => boolean

/** To be called once, before any code of the app; `hear` gets each signal that the process gets. */
export function interceptSignals(hear: (signal: EndingSignal) => void): void {
  const emit = process.emit as Emit
  const intercepted: Emit = function (this: NodeJS.Process, event, ...args) {
    if (isEnding(event)) {
      hear(event)
      return true
    }
    // When the last listener is gone, Node would stop listening.
    if (event === 'removeListener' && isEnding(args[0])) return false
    return Reflect.apply(emit, this, [event, ...args])
  }
  process.emit = intercepted as typeof process.emit
  for (const signal of endingSignals) {
    // The first listener makes Node listen, to the `emit` of that moment.
    process.on(signal, ignore)
    process.off(signal, ignore)
  }
}

function isEnding(event: unknown): event is EndingSignal {
  return endingSignals.some(signal => signal === event)
}

function ignore(): void {
  return
}

/** The listeners of the app for this signal get it; returns what they return. */
export function emitToApp(signal: EndingSignal): unknown[] {
  return process
    .rawListeners(signal)
    .map(listener => Reflect.apply(listener, process, [signal, constants.signals[signal]]) as unknown)
}
