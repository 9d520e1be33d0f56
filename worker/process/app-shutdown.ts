/**
 * The end of the app, when its requests are answered: what it does as `node app.js` when it is sent a signal, it does now.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { types } from 'node:util'
import { stackOf } from '../../hooks/thrown.ts'
import { holdProcess } from './arbiter-channel.ts'
import type { WorkerLog } from './log.ts'
import { emitToApp, endingSignals } from './signals.ts'

type Log = Pick<WorkerLog, 'error' | 'warning'>

/** How long PM2 waits after its message `shutdown`, in milliseconds. */
const messageMs = 1_600

let finished: (() => void) | undefined

/** To be called when this process is sent a signal: an app that is at its end sends itself one. */
export function isLastSignal(): boolean {
  finished?.()
  return finished !== undefined
}

/** Resolves when what the app does at its end is over; after `limit` milliseconds in any case. */
export async function shutDown(limit: number, log: Log): Promise<void> {
  const signal = endingSignals.find(name => process.listenerCount(name) > 0)
  if (signal !== undefined) {
    if (await finishes(() => emitToApp(signal), limit, log)) return
    log.warning(`The app was told ${signal}, and was not over within graceful_timeout`)
  } else if (process.listenerCount('message') > 0) {
    const tell = () => [process.emit('message', 'shutdown', undefined)]
    await finishes(tell, Math.min(limit, messageMs), log)
  }
}

/**
 * Whether it ended in time. A listener that returns no promise does not say when it has done its work: that is when
 * nothing is left to do, or when the process sends itself a signal. Many end the process, too.
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
