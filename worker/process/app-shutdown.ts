/**
 * The end of the app, when its requests are answered: what it does as `node app.js` when it is sent a signal, it does now.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { types } from 'node:util'
import { stackOf } from '../../hooks/thrown.ts'
import { holdProcess } from './arbiter-channel.ts'
import type { WorkerLog } from './log.ts'
import { endingSignals, handOn } from './signals.ts'

type Log = Pick<WorkerLog, 'error' | 'warning'>

/** How long PM2 waits after its message `shutdown`, in milliseconds. */
const messageMs = 1_600

let over: (() => void) | undefined

/** To be called when this process is sent a signal: an app that is at its end sends itself one. */
export function isLastSignal(): boolean {
  over?.()
  return over !== undefined
}

/** Resolves when what the app does at its end is over; after `limit` milliseconds in any case. */
export async function shutDown(limit: number, log: Log): Promise<void> {
  const signal = endingSignals.find(name => process.listenerCount(name) > 0)
  if (signal !== undefined) {
    if (await ends(() => handOn(signal), limit, log)) return
    log.warning(`The app was told ${signal}, and was not over within graceful_timeout`)
  } else if (process.listenerCount('message') > 0) {
    const tell = () => [process.emit('message', 'shutdown', undefined)]
    await ends(tell, Math.min(limit, messageMs), log)
  }
}

/**
 * Whether it ended in time. A listener that returns no promise does not say when it has done its work: that is when
 * nothing is left to do, or when the process sends itself a signal. Many end the process, too.
 */
async function ends(begin: () => unknown[], limit: number, log: Log): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<true>()
  over = () => resolve(true)
  process.once('beforeExit', over)
  holdProcess(false)
  try {
    const begun = begin()
    const promises = begun.filter(types.isPromise)
    const all = Promise.all(promises.map(one => one.catch((error: unknown) => complain(error, log))))
    const ways = promises.length === begun.length ? [promise, all.then(() => true)] : [promise]
    return await Promise.race([...ways, sleep(limit, false, { ref: false })])
  } catch (error) {
    complain(error, log)
    return true
  } finally {
    process.off('beforeExit', over)
    holdProcess(true)
  }
}

function complain(error: unknown, log: Log): void {
  log.error(`The app failed at its end: ${stackOf(error)}`)
}
