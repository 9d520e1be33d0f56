/** Remembers the sockets and streams that were cut because their clients did not read. */

const stalled = new WeakSet<object>()

/** Call for a stream that was cut, and for a socket. */
export function markStalled(carrier: object): void {
  stalled.add(carrier)
}

export function wasStalled(carrier: object): boolean {
  return stalled.has(carrier)
}
