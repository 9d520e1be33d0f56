/** Waits for promises that may never settle. */
import { holdProcess } from './arbiter-channel.ts'

/**
 * Waits for a promise as long as anything in the event loop could still settle it; when the loop is empty, resolves
 * with the result of `otherwise`, which may throw.
 *
 * Without this, the process would exit silently, or, kept alive by the channel to the arbiter, wait for ever. The
 * channel does not count while this waits.
 */
export async function whilePending<T>(promise: Promise<T>, otherwise: () => T): Promise<T> {
  const { promise: nothingLeft, resolve } = Promise.withResolvers<void>()
  const giveUp = () => {
    // From now on the worker has a report to send.
    holdProcess(true)
    resolve()
  }
  holdProcess(false)
  process.once('beforeExit', giveUp)
  try {
    return await Promise.race([promise, nothingLeft.then(otherwise)])
  } finally {
    process.off('beforeExit', giveUp)
    holdProcess(true)
  }
}
