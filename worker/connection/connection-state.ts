/** The state of one connection, and the changes to it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { linger } from '../net/lingering-close.ts'

export interface ConnectionState {
  /** Requests without a finished response; an upgraded connection counts as one for good. */
  activeRequests: number
  /** When the last exchange ended, or the connection began, in milliseconds of `performance.now()`. */
  idleSince: number
  /** How much had been read by then: any more is part of a request. */
  bytesRead: number
  /** The session, where the connection speaks HTTP/2: only it knows when the connection is idle. */
  session: ServerHttp2Session | undefined
  /** The open streams of that session. */
  streams: ReadonlySet<ServerHttp2Stream>
  /** The response to the newest request, and when that request arrived. */
  newestResponse: ServerResponse | undefined
  arrivedAt: number
  /** Responses to pipelined requests that wait for the ones before them. */
  queued: Set<ServerResponse> | undefined
  /** The connection no longer speaks HTTP, or does not yet. */
  isUpgraded: boolean
  /** Only the app knows what it speaks, and when it is idle. */
  isPlain: boolean
  /** The response after which the connection is closed. */
  lastResponse: ServerResponse | undefined
}

/** How long a drained worker keeps an idle connection for a request that may be on its way, in milliseconds. */
export const idleGraceMs = 900

const noStreams: ReadonlySet<ServerHttp2Stream> = new Set()

export function newState({ bytesRead }: Socket): ConnectionState {
  return {
    activeRequests: 0,
    idleSince: performance.now(),
    bytesRead,
    session: undefined,
    streams: noStreams,
    newestResponse: undefined,
    arrivedAt: 0,
    queued: undefined,
    isUpgraded: false,
    isPlain: false,
    lastResponse: undefined,
  }
}

/** The line end that some clients send after a request, which begins no other (RFC 9112, section 2.2). */
const emptyLineBytes = 2

/** Whether no part of another request has arrived since the connection became idle. */
export function hasNoNewBytes(state: ConnectionState, { bytesRead }: Socket): boolean {
  return bytesRead - state.bytesRead <= emptyLineBytes
}

/** Marks the connection as idle from now on; what was read so far belongs to earlier requests. */
export function markIdle(state: ConnectionState, { bytesRead }: Socket): void {
  state.idleSince = performance.now()
  state.bytesRead = bytesRead
}

export function markUpgraded(state: ConnectionState): void {
  state.activeRequests += 1
  state.isUpgraded = true
}

/** Marks the connection as one that the app reads itself: it is busy until it ends, or until an HTTP server gets it. */
export function markPlain(state: ConnectionState): void {
  if (state.isPlain) return
  state.isPlain = true
  markUpgraded(state)
}

/** What was read so far belongs to its first request. */
export function unmarkPlain(state: ConnectionState): void {
  if (!state.isPlain) return
  state.isPlain = false
  state.isUpgraded = false
  state.activeRequests -= 1
  state.idleSince = performance.now()
}

export function queueResponse(state: ConnectionState, response: ServerResponse): void {
  state.queued ??= new Set()
  state.queued.add(response)
}

/** Makes this the last response of its connection, instead of an earlier one that was to be the last. */
export function closeAfterResponse(state: ConnectionState, response: ServerResponse): void {
  const { req } = response
  if (state.lastResponse !== undefined) state.lastResponse.shouldKeepAlive = true
  state.lastResponse = response.shouldKeepAlive ? response : undefined
  response.shouldKeepAlive = false
  if (!response.headersSent) dropKeepAlive(response)
  linger(req.socket)
  if (!req.complete) destroyWhenRead(req)
}

/** An app that writes `Connection: keep-alive` itself, or copies it from a backend, would keep the connection. */
function dropKeepAlive(response: ServerResponse): void {
  const writeHead = response.writeHead as (...args: unknown[]) => ServerResponse
  response.writeHead = (...args: unknown[]) => {
    // A later request may have become the last one, and an upgrade is none.
    if (response.shouldKeepAlive || args[0] === 101) return writeHead.apply(response, args)
    if (isKeepAlive('connection', response.getHeader('connection'))) response.setHeader('Connection', 'close')
    const headers = args.at(-1)
    if (typeof headers === 'object' && headers !== null) args[args.length - 1] = withoutKeepAlive(headers)
    return writeHead.apply(response, args)
  }
}

/** What `writeHead` accepts: an object, pairs, or alternating names and values. */
function withoutKeepAlive(headers: object): unknown {
  if (!Array.isArray(headers))
    return Object.fromEntries(Object.entries(headers).filter(([name, value]) => !isKeepAlive(name, value)))
  if (Array.isArray(headers[0])) return headers.filter(([name, value]) => !isKeepAlive(name, value))
  return headers.filter((_, n) => !isKeepAlive(headers[n - (n % 2)], headers[n - (n % 2) + 1]))
}

function isKeepAlive(name: unknown, value: unknown): boolean {
  return String(name).toLowerCase() === 'connection' && /\bkeep-alive\b/i.test(String(value))
}

/** How long a client that has its answer may send nothing of the rest of its request, in milliseconds. */
const silenceMs = 5_000

/**
 * Node closes the connection as soon as it has sent the last response. This delays that until the rest of the request
 * has been read, however long it is, or no more of it comes.
 */
function destroyWhenRead(req: IncomingMessage): void {
  const { socket } = req
  const { destroySoon } = socket
  socket.destroySoon = () => {
    socket.destroySoon = destroySoon
    if (req.complete) return socket.destroySoon()
    socket.end()
    const timer = setTimeout(() => socket.destroy(), silenceMs)
    socket.once('close', () => clearTimeout(timer))
    req.on('data', () => timer.refresh())
    req.once('end', () => socket.destroySoon()).resume()
  }
}

/** HTTP/2 requests show a proxy as their socket, which passes unknown properties on to the real one. */
const rawSocket = Symbol('raw socket')

type TrackedSocket = Socket & { [rawSocket]?: Socket; readonly stream?: TrackedSocket }

export function markRaw(socket: TrackedSocket): void {
  socket[rawSocket] = socket
}

export function rawSocketOf(socket: object): Socket | undefined {
  return (socket as TrackedSocket)[rawSocket] ?? wrappedBy(socket)?.[rawSocket]
}

/** What Node itself has wrapped in a stream, in front of HTTP/2, if this is such a one. */
export function wrappedBy(socket: object): TrackedSocket | undefined {
  return (socket as TrackedSocket).stream
}
