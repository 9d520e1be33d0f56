/**
 * What an app finds where other process managers have a channel to a parent: `process.send`, `process.connected`,
 * `process.disconnect` and `process.channel`. Nobody hears what it says, except for the words that `ready-message.ts` knows,
 * and nothing that it does with them has an effect on the worker.
 */
import type { WorkerLog } from './log.ts'

/** Puts it there; the returned function says that the arbiter is gone. */
export function emulateParentChannel(log: Pick<WorkerLog, 'warning' | 'debug'>): () => void {
  let dropped = 0
  const send = (...args: readonly unknown[]): boolean => {
    dropped += 1
    if (dropped === 1)
      log.warning('The app sends messages with process.send: nobody is there to hear them, they are dropped')
    const callback = args.at(-1)
    if (typeof callback === 'function') process.nextTick(callback, null)
    return true
  }
  const disconnect = (): void => {
    if (!process.connected) return
    process.connected = false
    process.nextTick(() => process.emit('disconnect'))
  }
  const channel = { ref: () => undefined, unref: () => undefined }
  Object.assign(process, { send, disconnect, channel, connected: true })
  process.once('exit', () => {
    if (dropped > 1) log.debug(`${dropped} messages of the app were dropped`)
  })
  return disconnect
}
