/** The connections of a worker, what is going on on each of them, and the totals that the scoreboard shows. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { OpenRequest } from '../../hooks/table.ts'
import { onEnd } from '../http/response-end.ts'
import { inheritAddress, notePeer } from '../net/peer.ts'
import { fieldIndex, newRecord } from '../protocol/scoreboard.ts'
import { type Activity, isSilent, leaveHttp, makeLast, newActivity, queue, rest } from './connection-state.ts'
import { leaveInTurn, retire, retireSoon } from './goaway.ts'
import { countAnswer } from './totals.ts'

const inFlight = fieldIndex('requests_in_flight')
const open = fieldIndex('connections')
const timeouts = fieldIndex('timeouts')
/** Requests of HTTP/2 show something else in its place, which hands on what it does not know. */
const self = Symbol('the socket itself')

type KnownSocket = Socket & { [self]?: Socket }

/** RFC 6455, section 5.5.1: closes a WebSocket with the code 1001 (going away). */
const goingAway = Buffer.from([0x88, 0x02, 0x03, 0xe9])

export class Connections {
  /** The worker's record on the scoreboard, up to date in all that concerns connections. */
  readonly record = newRecord()
  readonly #open = new Map<Socket, Activity>()
  /** With what had been written on it before its handshake. */
  readonly #webSockets = new Map<Duplex, number>()
  readonly #keeps: boolean
  readonly #crowds = new Set<object>()
  #closing = false
  #waiting = 0
  #onFull: (newest: Socket) => void = () => undefined
  /** How many connections there is room for; beyond, somebody is told. */
  room = Number.POSITIVE_INFINITY
  /** Some connection has had its last answer. */
  #hasLast = false

  /** Without `keeps`, every response is the last one of its connection. */
  constructor({ keeps }: { readonly keeps: boolean }) {
    this.#keeps = keeps
  }

  get size(): number {
    return this.#open.size
  }

  /** Those that wait for a place, too. */
  get all(): number {
    return this.#open.size + this.#waiting
  }

  entries(): Iterable<[Socket, Activity]> {
    return this.#open
  }

  activityOf(socket: Socket): Activity | undefined {
    return this.#open.get(socket)
  }

  /** `onFull` hears of each connection beyond `room`. */
  keepRoom(room: number, onFull: (newest: Socket) => void): void {
    this.room = room
    this.#onFull = onFull
  }

  /** So many connections wait for a place, this one the last of them. */
  wait(waiting: number, newest?: Socket): void {
    this.#waiting = waiting
    if (newest !== undefined && this.all > this.room) this.#onFull(newest)
  }

  get isClosing(): boolean {
    return this.#closing
  }

  /** Whether a connection may carry another request after this one. */
  get mayStay(): boolean {
    return this.#keeps && !this.#closing && this.#crowds.size === 0
  }

  /** Counts a connection, if it is not counted yet. */
  add(socket: Socket): Activity {
    const known = this.#open.get(socket)
    if (known !== undefined) return known
    const activity = newActivity(socket)
    const itself: KnownSocket = socket
    itself[self] = socket
    notePeer(socket)
    this.#open.set(socket, activity)
    this.record[open] = this.#open.size
    socket.once('close', () => {
      this.#open.delete(socket)
      this.record[open] = this.#open.size
    })
    if (this.all > this.room) this.#onFull(socket)
    return activity
  }

  /** The handshake of a connection is over: this is what it goes on as. */
  secure(socket: Socket): void {
    // A name of Node's own, which has no other for it.
    const { _parent: plain } = socket as Socket & { readonly _parent?: Socket }
    if (plain !== undefined) {
      this.#open.delete(plain)
      inheritAddress(socket, plain)
    }
    this.add(socket)
  }

  /** Returns its open streams; `onQuiet` hears each time that there is none any more. */
  addSession(session: ServerHttp2Session, onQuiet?: () => void): ReadonlySet<ServerHttp2Stream> {
    const streams = new Set<ServerHttp2Stream>()
    const socket = session.destroyed ? undefined : itselfOf(session.socket)
    if (socket === undefined) return streams
    leaveInTurn(session)
    Object.assign(this.add(socket), { session, streams })
    session.on('stream', stream => {
      streams.add(stream)
      stream.once('close', () => {
        streams.delete(stream)
        if (streams.size === 0) onQuiet?.()
      })
    })
    if (this.#closing || this.#crowds.size > 0) retireSoon(session, socket)
    return streams
  }

  /**
   * Whether the connection ends after an answer that is on its way: then this request is nobody's, and its client may send
   * it again elsewhere (RFC 9112, section 9.6).
   */
  isOver({ socket }: IncomingMessage): boolean {
    const last = this.#hasLast ? this.#open.get(socket)?.last : undefined
    // An app that writes `Connection: keep-alive` itself has the last word.
    return last?.headersSent === true && !last.shouldKeepAlive
  }

  /** To be called for each request before anything else; `ended` hears when its response is finished or cut off. */
  began(req: IncomingMessage, res: ServerResponse, ended?: (started: number) => void): void {
    const started = performance.now()
    const isHttp1 = req.httpVersionMajor === 1
    const socket = isHttp1 ? req.socket : itselfOf(req.socket)
    const activity = socket && this.add(socket)
    if (activity !== undefined) {
      activity.busy += 1
      activity.response = res
      activity.arrived = started
      if (isHttp1 && res.socket === null) queue(activity, res)
      if (!this.mayStay && isHttp1) this.#makeLast(activity, res)
    }
    this.record[inFlight]! += 1
    onEnd(req, res, () => {
      if (activity !== undefined && socket !== undefined) {
        activity.busy -= 1
        activity.queued?.delete(res)
        rest(activity, socket)
        // An answer may come before all of the request; what follows is no part of the next one.
        if (!req.complete) req.once('end', () => rest(activity, socket))
      }
      this.record[inFlight]! -= 1
      countAnswer(this.record, res, performance.now() - started)
      ended?.(started)
    })
  }

  /** The connection speaks something else from now on, and is busy until it ends. */
  upgraded(socket: Duplex, protocol: string | undefined): void {
    if (socket instanceof Socket) leaveHttp(this.add(socket))
    if (protocol?.toLowerCase() !== 'websocket') return
    this.#webSockets.set(socket, writtenOn(socket))
    socket.once('close', () => this.#webSockets.delete(socket))
  }

  /** Others wait for a place: every response is the last one of its connection until nobody says so any more. */
  crowd(isCrowded: boolean, by: object): void {
    if (this.#crowds.has(by) === isCrowded) return
    if (!isCrowded) return void this.#crowds.delete(by)
    this.#crowds.add(by)
    this.#retireSessions()
  }

  #retireSessions(): void {
    for (const [socket, { session }] of this.#open) if (session !== undefined) retire(session, socket)
  }

  #makeLast(activity: Activity, response: ServerResponse): void {
    this.#hasLast = true
    makeLast(activity, response)
  }

  countTimeout(): void {
    this.record[timeouts]! += 1
  }

  /** The requests that are not answered yet: the newest of each connection. */
  requests(): OpenRequest[] {
    const now = performance.now()
    return Array.from(this.#open).flatMap(([socket, { busy, response, arrived }]) => {
      if (busy === 0 || response === undefined) return []
      const { method = '', url: path = '' } = response.req
      return [{ method, path, client: socket.remoteAddress ?? '', age: (now - arrived) / 1_000 }]
    })
  }

  /** From now on every response is the last one of its connection. */
  close(): void {
    this.#closing = true
    this.#retireSessions()
    for (const activity of this.#open.values()) {
      const { response, session } = activity
      if (session === undefined && response?.headersSent === false) this.#makeLast(activity, response)
    }
  }

  /** Ends connections that have been idle since then, and those that never had a request, with no part of one read. */
  endIdle(latest: number, latestOfNew = latest): void {
    for (const [socket, activity] of this.#open) {
      const { busy, idleSince, session, response } = activity
      const isOver = session === undefined ? isSilent(activity, socket) : session.destroyed
      const since = response === undefined ? latestOfNew : latest
      if (busy === 0 && idleSince <= since && isOver) socket.destroySoon()
    }
  }

  /** Cuts what is still open. */
  cut(): void {
    for (const [socket, written] of this.#webSockets) {
      if (writtenOn(socket) > written) socket.end(goingAway)
    }
    for (const [socket, { session }] of this.#open) {
      session?.destroy()
      if (this.#webSockets.has(socket)) socket.destroySoon()
      else socket.destroy()
    }
  }
}

function itselfOf(socket: object): Socket | undefined {
  return (socket as KnownSocket)[self]
}

function writtenOn(socket: Duplex): number {
  return socket instanceof Socket ? socket.bytesWritten : 0
}
