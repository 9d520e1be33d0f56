/** Shuts the app down when its requests are answered, by the signal handlers that it has as `node app.js`. */
import { setTimeout as sleep } from 'node:timers/promises'
import { types } from 'node:util'
import { stackOf } from '../../hooks/thrown.ts'
import { holdProcess } from './arbiter-channel.ts'
import type { WorkerLog } from './log.ts'
import { emitToApp, endingSignals } from './signals.ts'

type Log = Pick<WorkerLog, 'error' | 'warning'>

/** How long PM2 waits after the message `shutdown`, in milliseconds. */
const shutdownMessageMs = 1_600

let finished: (() => void) | undefined

/** Call when this process gets a signal: an app that has finished sends one to itself. */
export function isLastSignal(): boolean {
  finished?.()
  return finished !== undefined
}

/** Resolves when the app has finished, or after `limit` milliseconds. */
export async function shutDown(limit: number, log: Log): Promise<void> {
  const signal = endingSignals.find(name => process.listenerCount(name) > 0)
  if (signal !== undefined) {
    if (await finishes(() => emitToApp(signal), limit, log)) return
    log.warning(`The app was told ${signal}, and was not over within graceful_timeout`)
  } else if (process.listenerCount('message') > 0) {
    const tell = () => [process.emit('message', 'shutdown', undefined)]
    await finishes(tell, Math.min(limit, shutdownMessageMs), log)
  }
}

/**
 * Whether the app finished in time. A listener that returns no promise has finished when the event loop is empty, or
 * when the process sends itself a signal. Many just exit the process.
 */
async function finishes(begin: () => unknown[], limit: number, log: Log): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<true>()
  finished = () => resolve(true)
  process.once('beforeExit', finished)
  holdProcess(false)
  try {
    const begun = begin()
    const promises = begun.filter(types.isPromise)
    const all = Promise.all(promises.map(one => one.catch((error: unknown) => logFailure(error, log))))
    const ways = promises.length === begun.length ? [promise, all.then(() => true)] : [promise]
    return await Promise.race([...ways, sleep(limit, false, { ref: false })])
  } catch (error) {
    logFailure(error, log)
    return true
  } finally {
    process.off('beforeExit', finished)
    holdProcess(true)
  }
}

function logFailure(error: unknown, log: Log): void {
  log.error(`The app failed at its end: ${stackOf(error)}`)
}
