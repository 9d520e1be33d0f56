/**
 * The channel from an arbiter to the process that started it and waits for it: a launcher, or the old arbiter.
 *
 * Configurations and hooks run in the arbiter as well, and must not speak in its name.
 */

// Taken before any user code runs.
const send = process.send?.bind(process)
if (send !== undefined) {
  process.send = (...args: readonly unknown[]): boolean => {
    const callback = args.at(-1)
    if (typeof callback === 'function') process.nextTick(callback, null)
    return true
  }
}

/** Does nothing if no process waits. */
export function tellParent(message: object): void {
  if (process.connected) send?.(message, undefined, undefined, () => undefined)
}

/** The message of every arbiter that begins to serve. */
export const ready = { type: 'ready' } as const

/** Hears what an old arbiter says. */
export function hearParent(listener: (message: unknown) => void): void {
  process.on('message', listener)
}

/** Whether the message says that an arbiter serves. */
export function saysReady(message: unknown): boolean {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === ready.type
}
