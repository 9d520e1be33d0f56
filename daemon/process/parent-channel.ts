/**
 * The channel between an arbiter and whoever started it and waits for it: a launcher, or the arbiter before it.
 *
 * Configurations and hooks run in the arbiter as well, and must not speak in its name.
 */

// Taken before any code of the user runs.
const send = process.send?.bind(process)
if (send !== undefined) {
  process.send = (...args: readonly unknown[]): boolean => {
    const callback = args.at(-1)
    if (typeof callback === 'function') process.nextTick(callback, null)
    return true
  }
}

/** Ignored where nobody waits. */
export function tellParent(message: object): void {
  if (process.connected) send?.(message, undefined, undefined, () => undefined)
}

/** What every arbiter tells whoever waits for it when it serves. */
export const ready = { type: 'ready' } as const

/** Whether an arbiter said so. */
export function saysReady(message: unknown): boolean {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === ready.type
}
