/**
 * Emulates the channel to a parent that apps find under other process managers: `process.send`, `process.connected`,
 * `process.disconnect` and `process.channel`. Messages are dropped, except the one that `ready-message.ts` recognises,
 * and nothing here has an effect on the worker.
 */
import type { WorkerLog } from './log.ts'

/** Installs the channel; the returned function disconnects it, when the arbiter is gone. */
export function emulateParentChannel(log: Pick<WorkerLog, 'warning' | 'debug'>): () => void {
  let dropped = 0
  const send = (...args: readonly unknown[]): boolean => {
    dropped += 1
    if (dropped === 1)
      log.warning(
        'The app sends messages with process.send: there is no parent to receive them, they are dropped',
      )
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
