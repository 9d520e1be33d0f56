/** What was cut because its client did not read. */

const unread = new WeakSet<object>()

/** To be called for a stream, and for a socket with what is on it. */
export function noteUnread(carrier: object): void {
  unread.add(carrier)
}

export function wasUnread(carrier: object): boolean {
  return unread.has(carrier)
}
