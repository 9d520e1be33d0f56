import { holdProcess } from './arbiter-channel.ts'

/**
 * Waits for a promise as long as something can still settle it.
 *
 * A process whose event loop is empty would end without a word, or, held by the channel to the arbiter, wait for ever. The
 * channel does not count while this waits.
 *
 * Once nothing is pending any more, the outcome is that of `otherwise`, which may throw.
 */
export async function whilePending<T>(promise: Promise<T>, otherwise: () => T): Promise<T> {
  const { promise: nothingLeft, resolve } = Promise.withResolvers<void>()
  const giveUp = () => {
    // From here on the worker has a report to send.
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
