/** Recognises the message by which apps tell PM2 that they are ready. */

/**
 * Resolves when the app calls `process.send` with `'ready'`, `'online'` or `{ cmd: 'ready' }`. These messages go no
 * further; all others pass.
 */
export function interceptReady(): Promise<void> {
  const { send } = process
  const { promise, resolve } = Promise.withResolvers<void>()
  if (send === undefined) return promise
  process.send = (message: unknown, ...rest: unknown[]): boolean => {
    if (!isReadyMessage(message)) return Reflect.apply(send, process, [message, ...rest])
    resolve()
    const callback = rest.at(-1)
    if (typeof callback === 'function') process.nextTick(callback, null)
    return true
  }
  return promise
}

function isReadyMessage(message: unknown): boolean {
  if (message === 'ready' || message === 'online') return true
  return typeof message === 'object' && message !== null && 'cmd' in message && message.cmd === 'ready'
}
