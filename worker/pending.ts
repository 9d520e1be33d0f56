import { holdProcess } from './arbiter-channel.ts'

/**
 * Waits for a promise as long as something can still settle it.
 *
 * A process whose event loop is empty would end without a word, or, held by the channel to the arbiter, wait for ever. The
 * channel does not count while this waits.
 *
 * @throws what `otherwise` returns, once nothing is pending any more
 */
export async function whilePending<T>(promise: Promise<T>, otherwise: () => Error): Promise<T> {
  const { promise: nothingLeft, reject } = Promise.withResolvers<never>()
  const giveUp = () => {
    // From here on the worker has a report to send.
    holdProcess(true)
    reject(otherwise())
  }
  holdProcess(false)
  process.once('beforeExit', giveUp)
  try {
    return await Promise.race([promise, nothingLeft])
  } finally {
    process.off('beforeExit', giveUp)
    holdProcess(true)
  }
}
