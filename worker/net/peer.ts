/** Who is at the other end of a connection. */
import type { Socket } from 'node:net'

const unix = Symbol('accepted on a unix socket')

/** Whatever stands for a socket, such as that of a request of HTTP/2. */
export interface Peer {
  readonly remoteAddress?: string | undefined
  readonly [unix]?: boolean
}

/**
 * To be called when a connection is accepted. Later its address may be gone, because the client resets, and it must not
 * pass for one of a unix socket, which has none.
 */
export function notePeer(socket: Socket & { [unix]?: boolean }): void {
  // Node keeps the address once somebody has asked for it.
  if (socket.remoteAddress === undefined) socket[unix] = socket.localAddress === undefined
}

/** A header of the PROXY protocol may have come before the handshake, and the client may have left since. */
export function inheritAddress(socket: Socket, plain: Socket): void {
  for (const name of ['remoteAddress', 'remotePort', 'remoteFamily'] as const) {
    Object.defineProperty(socket, name, { value: plain[name] })
  }
}

/** A client that left before its connection was accepted has no address either, and is none of them. */
export function isUnix(peer: Peer): boolean {
  return peer[unix] === true
}

/** For the log. */
export function nameOf(peer: Peer): string {
  return peer.remoteAddress ?? (isUnix(peer) ? 'a unix socket' : 'a client that has left')
}

/** Names of Node's own: what it has been asked for before, it would tell from memory. */
interface Handled {
  readonly _parent?: Handled | null
  readonly _handle?: { readonly getpeername?: (into: object) => number } | null
}

/** Whether the connection was reset: the kernel no longer knows the other end. Nobody can tell of a unix socket. */
export function hasLeft(socket: Socket): boolean {
  const { _parent, _handle } = socket as Handled
  const handle = _parent?._handle ?? _handle
  return handle?.getpeername !== undefined && handle.getpeername({}) !== 0
}
