/** The kinds of clients that load the server at the same time: together they cover every way to lose a request. */

export interface Kind {
  readonly path: '/body' | '/slow' | '/stream' | '/echo' | '/unread'
  readonly over: 'tcp' | 'unix'
  readonly version: '1.0' | '1.1' | 'pipelined' | '2' | 'WebSocket'
  /** A new connection for each request. */
  readonly fresh: boolean
  /**
   * `closed`: this many clients, each of which sends its next request when it has its answer. `open`: this many
   * requests per second, whatever happens to earlier ones; of its keep-alive connections, the one that has been idle
   * longest is used first.
   */
  readonly loop:
    | { readonly kind: 'closed'; readonly clients: number }
    | { readonly kind: 'open'; readonly perSecond: number; readonly connections: number }
  /** The size of a request body, in bytes. */
  readonly upload: number
}

const plain = { path: '/body', over: 'tcp', version: '1.1', fresh: false, upload: 0 } as const

export const kinds: Readonly<Record<string, Kind>> = {
  'keep-alive': { ...plain, loop: closed(8) },
  'keep-alive, unix': { ...plain, over: 'unix', loop: closed(4) },
  fresh: { ...plain, fresh: true, loop: closed(2) },
  'fresh, unix': { ...plain, fresh: true, over: 'unix', loop: closed(1) },
  'open loop, keep-alive': { ...plain, loop: open(100, 1) },
  // Each connection is idle for about a second between two requests: this provokes the idle race.
  'open loop, idle': { ...plain, loop: open(30, 28) },
  'open loop, fresh': { ...plain, fresh: true, loop: open(50, 1) },
  'open loop, fresh, unix': { ...plain, fresh: true, over: 'unix', loop: open(20, 1) },
  slow: { ...plain, path: '/slow', loop: closed(10) },
  'slow, fresh': { ...plain, path: '/slow', fresh: true, loop: closed(5) },
  streamed: { ...plain, path: '/stream', loop: closed(12) },
  'streamed, unix': { ...plain, path: '/stream', over: 'unix', loop: closed(6) },
  'POST echoed': { ...plain, path: '/echo', upload: 16_384, loop: closed(1) },
  'POST echoed, fresh': { ...plain, path: '/echo', upload: 16_384, fresh: true, loop: closed(1) },
  // The answer precedes the reading of the body, as in an app that refuses an upload.
  'POST unread': { ...plain, path: '/unread', upload: 262_144, loop: open(40, 4) },
  'POST unread, fresh': { ...plain, path: '/unread', upload: 262_144, fresh: true, loop: open(20, 1) },
  // Four clients share a connection.
  pipelined: { ...plain, version: 'pipelined', loop: closed(4) },
  'pipelined, slow': { ...plain, version: 'pipelined', path: '/slow', loop: closed(4) },
  WebSocket: { ...plain, version: 'WebSocket', loop: closed(4) },
  'HTTP/1.0': { ...plain, version: '1.0', fresh: true, loop: closed(1) },
  'HTTP/1.0, keep-alive': { ...plain, version: '1.0', loop: closed(1) },
  'HTTP/1.0, streamed': { ...plain, version: '1.0', fresh: true, path: '/stream', loop: closed(4) },
}

/** Further kinds for a server with TLS: many requests on one session. */
export const http2Kinds: Readonly<Record<string, Kind>> = {
  'HTTP/2': { ...plain, version: '2', loop: closed(8) },
  'HTTP/2, unix': { ...plain, version: '2', over: 'unix', loop: closed(2) },
  'HTTP/2, slow': { ...plain, version: '2', path: '/slow', loop: closed(6) },
  'HTTP/2, streamed': { ...plain, version: '2', path: '/stream', loop: closed(6) },
  'HTTP/2, POST echoed': { ...plain, version: '2', path: '/echo', upload: 16_384, loop: closed(1) },
}

/** The kind of this name, from either table. */
export function kindNamed(name: string): Kind {
  return (kinds[name] ?? http2Kinds[name]) as Kind
}

function closed(clients: number): Kind['loop'] {
  return { kind: 'closed', clients }
}

function open(perSecond: number, connections: number): Kind['loop'] {
  return { kind: 'open', perSecond, connections }
}
