/** The client at the other end of a connection: its address, whether it is still there, and what it has not got yet. */
import type { Socket } from 'node:net'

const unix = Symbol('accepted on a unix socket')

/** A socket, or what stands for one: HTTP/2 requests have a proxy. */
export interface Peer {
  readonly remoteAddress?: string | undefined
  readonly [unix]?: boolean
}

/**
 * Notes whether a connection came over a unix socket. Call it when the connection is accepted: after a reset the
 * address of a TCP client is gone too, and the client must not pass for a local one.
 */
export function notePeer(socket: Socket & { [unix]?: boolean }): void {
  // Node remembers the address once it was read.
  if (socket.remoteAddress === undefined) socket[unix] = socket.localAddress === undefined
}

/** Copies the address from below TLS: a PROXY header may have set it, and the client may have left since. */
export function inheritAddress(socket: Socket, plain: Socket): void {
  for (const name of ['remoteAddress', 'remotePort', 'remoteFamily'] as const) {
    Object.defineProperty(socket, name, { value: plain[name] })
  }
}

/** False for a client that left before its connection was accepted, although it has no address either. */
export function isUnix(peer: Peer): boolean {
  return peer[unix] === true
}

/** The client in the words of a log line. */
export function describePeer(peer: Peer): string {
  return peer.remoteAddress ?? (isUnix(peer) ? 'a unix socket' : 'a client that has left')
}

/** Node's own fields: its public ones are remembered, and would not notice. */
interface SocketInternals {
  readonly _parent?: SocketInternals | null
  readonly _handle?: Handle | null
}

interface Handle {
  readonly getpeername?: (into: object) => number
  readonly writeQueueSize?: number
}

function handleOf(socket: Socket): Handle | undefined {
  const { _parent, _handle } = socket as SocketInternals
  return _parent?._handle ?? _handle ?? undefined
}

/** Whether the connection was reset: the kernel no longer knows the other end. Never true for a unix socket. */
export function isReset(socket: Socket): boolean {
  const handle = handleOf(socket)
  return handle?.getpeername !== undefined && handle.getpeername({}) !== 0
}

/** Whether something that was sent waits for the kernel to take it; true as well where nobody knows. */
export function hasQueuedBytes(socket: Socket): boolean {
  return handleOf(socket)?.writeQueueSize !== 0
}
