/**
 * Listens for the words that apps say to PM2 when they are ready: `process.send('ready')`, `'online'` or `{ cmd: 'ready' }`.
 *
 * They are kept from the arbiter, which would not know them; all other messages pass.
 */
export function interceptReady(): Promise<void> {
  const { send } = process
  const { promise, resolve } = Promise.withResolvers<void>()
  if (send === undefined) return promise
  process.send = (message: unknown, ...rest: unknown[]): boolean => {
    if (!saysReady(message)) return Reflect.apply(send, process, [message, ...rest])
    resolve()
    const callback = rest.at(-1)
    if (typeof callback === 'function') process.nextTick(callback, null)
    return true
  }
  return promise
}

function saysReady(message: unknown): boolean {
  if (message === 'ready' || message === 'online') return true
  return typeof message === 'object' && message !== null && 'cmd' in message && message.cmd === 'ready'
}
