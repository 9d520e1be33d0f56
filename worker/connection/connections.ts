/** The open connections of a worker, the state of each, and the totals on the scoreboard. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { OpenRequest } from '../../hooks/table.ts'
import type { Balance } from '../balance/balance.ts'
import { onResponseEnd } from '../http/response-end.ts'
import { inheritAddress, notePeer } from '../net/peer.ts'
import { WebSockets } from '../net/web-sockets.ts'
import { fieldIndex, newRecord } from '../protocol/scoreboard.ts'
import type { Turns } from '../sync/turns.ts'
import {
  type ConnectionState,
  closeAfterResponse,
  hasNoNewBytes,
  markIdle,
  markRaw,
  markUpgraded,
  newState,
  queueResponse,
  rawSocketOf,
} from './connection-state.ts'
import { endInOrder, goaway, goawaySoon } from './goaway.ts'
import { countBytes, countResponse, openRequests } from './totals.ts'

const inFlight = fieldIndex('requests_in_flight')
const openConnections = fieldIndex('connections')

/** Called when a response is finished or cut off; `startedAt` is when its request arrived, in `performance.now()`. */
export type OnRequestEnd = (req: IncomingMessage, res: ServerResponse, startedAt: number) => void

export class Connections {
  /** The worker's scoreboard record; its connection fields are always up to date. */
  readonly record = newRecord()
  readonly #open = new Map<Socket, ConnectionState>()
  readonly #webSockets = new WebSockets()
  readonly #keepAlive: boolean
  readonly #atCapacity = new Set<object>()
  #closing = false
  #waiting = 0
  #onOverCapacity: (newest: Socket) => void = () => undefined
  /** How many connections fit; `setCapacity` says what happens beyond. */
  capacity = Number.POSITIVE_INFINITY
  /** Set where the workers even out their connections. */
  balance: Pick<Balance, 'opened' | 'closed'> | undefined
  /** Some response was the last one of its connection. */
  #hasLastResponse = false
  /** Set where the worker serves one request at a time. */
  turns: Turns | undefined

  /** Without `keepAlive`, every response is the last one of its connection. */
  constructor({ keepAlive }: { readonly keepAlive: boolean }) {
    this.#keepAlive = keepAlive
  }

  get size(): number {
    return this.#open.size
  }

  /** All connections, including those that wait for a place. */
  get total(): number {
    return this.#open.size + this.#waiting
  }

  entries(): Iterable<[Socket, ConnectionState]> {
    return this.#open
  }

  stateOf(socket: Socket): ConnectionState | undefined {
    return this.#open.get(socket)
  }

  /** Calls `onOverCapacity` for each connection beyond `capacity`. */
  setCapacity(capacity: number, onOverCapacity: (newest: Socket) => void): void {
    this.capacity = capacity
    this.#onOverCapacity = onOverCapacity
  }

  /** Notes how many connections wait for a place, `newest` being the last of them. */
  setWaiting(waiting: number, newest?: Socket): void {
    this.#waiting = waiting
    if (newest !== undefined && this.total > this.capacity) this.#onOverCapacity(newest)
  }

  get isClosing(): boolean {
    return this.#closing
  }

  /** Whether a connection may carry another request. */
  get mayKeepAlive(): boolean {
    return this.#keepAlive && !this.#closing && this.#atCapacity.size === 0 && this.turns === undefined
  }

  /** Adds a connection, if it is not known yet. */
  add(socket: Socket): ConnectionState {
    const known = this.#open.get(socket)
    if (known !== undefined) return known
    const state = newState(socket)
    markRaw(socket)
    notePeer(socket)
    this.#open.set(socket, state)
    this.record[openConnections] = this.#open.size
    this.balance?.opened()
    socket.once('close', () => {
      // Under TLS, the socket on top of it has taken its place.
      if (!this.#open.delete(socket)) return
      countBytes(this.record, socket, state.isPlain)
      this.record[openConnections] = this.#open.size
      this.balance?.closed()
    })
    if (this.total > this.capacity) this.#onOverCapacity(socket)
    return state
  }

  /** Replaces a plain connection with the TLS socket on top of it, after the handshake. */
  addSecure(socket: Socket): void {
    // Node's own field: there is no public one.
    const { _parent: plain } = socket as Socket & { readonly _parent?: Socket }
    if (plain !== undefined) {
      this.#open.delete(plain)
      inheritAddress(socket, plain)
    }
    this.add(socket)
  }

  /** Returns the open streams of a session; calls `onQuiet` each time the last one closes. */
  addSession(session: ServerHttp2Session, onQuiet?: () => void): ReadonlySet<ServerHttp2Stream> {
    const streams = new Set<ServerHttp2Stream>()
    const socket = session.destroyed ? undefined : rawSocketOf(session.socket)
    if (socket === undefined) return streams
    endInOrder(session, socket)
    Object.assign(this.add(socket), { session, streams })
    session.on('stream', stream => {
      streams.add(stream)
      stream.once('close', () => {
        streams.delete(stream)
        if (streams.size === 0) onQuiet?.()
      })
    })
    if (this.#closing || this.#atCapacity.size > 0) goawaySoon(session, socket)
    return streams
  }

  /**
   * Whether the last response of this connection is already on its way: then the request is ignored, and its client may
   * send it again elsewhere (RFC 9112, section 9.6).
   */
  isAfterLastResponse({ socket }: IncomingMessage): boolean {
    const last = this.#hasLastResponse ? this.#open.get(socket)?.lastResponse : undefined
    return last?.headersSent === true && !last.shouldKeepAlive
  }

  /** Call for each request before anything else; `ended` is called when its response is finished or cut off. */
  trackRequest(req: IncomingMessage, res: ServerResponse, ended?: OnRequestEnd): void {
    const startedAt = performance.now()
    const isHttp1 = req.httpVersionMajor === 1
    const socket = isHttp1 ? req.socket : rawSocketOf(req.socket)
    const state = socket && this.add(socket)
    if (state !== undefined) {
      state.activeRequests += 1
      state.newestResponse = res
      state.arrivedAt = startedAt
      if (isHttp1 && res.socket === null) queueResponse(state, res)
      if (!this.mayKeepAlive && isHttp1) this.#closeAfterResponse(state, res)
    }
    this.record[inFlight]! += 1
    this.turns?.began(res)
    onResponseEnd(req, res, () => {
      if (state !== undefined && socket !== undefined) {
        state.activeRequests -= 1
        state.queued?.delete(res)
        markIdle(state, socket)
        // The response may end before the request: the rest of this body is not the next request.
        if (!req.complete) req.once('end', () => markIdle(state, socket))
      }
      this.record[inFlight]! -= 1
      countResponse(this.record, res, performance.now() - startedAt)
      ended?.(req, res, startedAt)
      this.turns?.ended(res)
    })
  }

  /** Marks a connection as upgraded: it no longer speaks HTTP, and is busy until it ends. */
  addUpgraded(socket: Duplex, protocol: string | undefined): void {
    if (socket instanceof Socket) markUpgraded(this.add(socket))
    this.turns?.upgraded()
    if (protocol?.toLowerCase() === 'websocket') this.#webSockets.add(socket)
  }

  /** While any owner says that the worker is at capacity, every response is the last one of its connection. */
  setAtCapacity(isAtCapacity: boolean, owner: object): void {
    if (this.#atCapacity.has(owner) === isAtCapacity) return
    if (!isAtCapacity) return void this.#atCapacity.delete(owner)
    this.#atCapacity.add(owner)
    this.#sendGoaway()
  }

  #sendGoaway(): void {
    for (const [socket, { session }] of this.#open) if (session !== undefined) goaway(session, socket)
  }

  #closeAfterResponse(state: ConnectionState, response: ServerResponse): void {
    this.#hasLastResponse = true
    closeAfterResponse(state, response)
  }

  count(what: 'timeouts' | 'refused'): void {
    this.record[fieldIndex(what)]! += 1
  }

  requests(): OpenRequest[] {
    return openRequests(this.#open)
  }

  /** Makes every response from now on the last one of its connection. */
  close(): void {
    this.#closing = true
    this.#sendGoaway()
    for (const state of this.#open.values()) {
      const { newestResponse, session } = state
      if (session === undefined && newestResponse?.headersSent === false)
        this.#closeAfterResponse(state, newestResponse)
    }
  }

  /** Closes connections that are idle since `latest` or earlier, and those without any request since `latestOfNew`. */
  closeIdle(latest: number, latestOfNew = latest): void {
    for (const [socket, state] of this.#open) {
      const { session, newestResponse: last, queued } = state
      const isQuiet = session === undefined ? hasNoNewBytes(state, socket) : session.destroyed
      if (state.activeRequests > 0 || state.idleSince > (last ? latest : latestOfNew) || !isQuiet) continue
      // A client that has sent several at once may send more before it has read their answers.
      if (queued !== undefined && last) this.#closeAfterResponse(state, last)
      socket.destroySoon()
    }
  }

  /** Cuts all connections that are still open. */
  cut(): void {
    this.#webSockets.sayGoingAway()
    for (const [socket, { session, isPlain }] of this.#open) {
      session?.destroy()
      if (isPlain || this.#webSockets.has(socket)) socket.destroySoon()
      else socket.destroy()
    }
  }
}
