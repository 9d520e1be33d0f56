/** The connections of a worker, what is going on on each of them, and the totals that the scoreboard shows. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ServerHttp2Session } from 'node:http2'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { OpenRequest } from '../hooks/table.ts'
import { onEnd } from './response-end.ts'
import { fieldIndex, newRecord } from './scoreboard-layout.ts'

/** What goes on on a connection. */
interface Activity {
  /** Requests whose response is not finished. */
  busy: number
  /** When the last exchange was over, in milliseconds; counted from the beginning until there is one. */
  idleSince: number
  /** How much had been read by then: when more comes, a request is on its way. */
  bytesRead: number
  /** The response to the newest request, and when that arrived. */
  response: ServerResponse | undefined
  arrived: number
}

const inFlight = fieldIndex('requests_in_flight')
const open = fieldIndex('connections')
const responses = fieldIndex('responses_0')
const timeouts = fieldIndex('timeouts')
const took = fieldIndex('took_1ms')
const buckets = [1, 5, 25, 100, 500, 2_500, 10_000] as const

/** RFC 6455, section 5.5.1: a frame that closes a WebSocket, with the code 1001 (going away). */
const goingAway = Buffer.from([0x88, 0x02, 0x03, 0xe9])

export class Connections {
  /** The worker's record on the scoreboard, up to date in all that concerns connections. */
  readonly record = newRecord()
  readonly #open = new Map<Socket, Activity>()
  readonly #sessions = new Set<ServerHttp2Session>()
  readonly #webSockets = new Set<Duplex>()
  #closing = false
  #crowded = false

  get size(): number {
    return this.#open.size
  }

  get isClosing(): boolean {
    return this.#closing
  }

  /** Whether a connection may carry another request after this one. */
  get mayStay(): boolean {
    return !this.#closing && !this.#crowded
  }

  /** Counts a connection, if it is not counted yet. */
  add(socket: Socket): Activity {
    const known = this.#open.get(socket)
    if (known !== undefined) return known
    const activity: Activity = {
      busy: 0,
      idleSince: performance.now(),
      bytesRead: 0,
      response: undefined,
      arrived: 0,
    }
    this.#open.set(socket, activity)
    this.record[open] = this.#open.size
    socket.once('close', () => {
      this.#open.delete(socket)
      this.record[open] = this.#open.size
    })
    return activity
  }

  addSession(session: ServerHttp2Session): void {
    this.#sessions.add(session)
    session.once('close', () => this.#sessions.delete(session))
    if (this.#closing) session.close()
  }

  /** To be called for each request before anything else; `ended` hears when its response is finished or cut off. */
  began(req: IncomingMessage, res: ServerResponse, ended?: (started: number) => void): void {
    const started = performance.now()
    const activity = req.httpVersionMajor === 1 ? this.#activityOf(req.socket) : undefined
    if (activity !== undefined) {
      activity.busy += 1
      activity.response = res
      activity.arrived = started
      if (!this.mayStay) makeLast(res)
    }
    this.record[inFlight]! += 1
    onEnd(req, res, () => {
      if (activity !== undefined) {
        activity.busy -= 1
        rest(activity, req.socket)
        // An answer may come before all of the request; what follows is no part of the next one.
        if (!req.complete) req.once('end', () => rest(activity, req.socket))
      }
      this.#count(res, performance.now() - started)
      ended?.(started)
    })
  }

  /** The connection speaks something else from now on, and is busy until it ends. */
  upgraded(socket: Duplex, protocol: string | undefined): void {
    if (socket instanceof Socket) this.#activityOf(socket).busy += 1
    if (protocol?.toLowerCase() !== 'websocket') return
    this.#webSockets.add(socket)
    socket.once('close', () => this.#webSockets.delete(socket))
  }

  /** Others wait for a place: every response is the last one of its connection until they have one. */
  crowd(isCrowded: boolean): void {
    this.#crowded = isCrowded
  }

  /** A server that listened before it was handed over may have taken connections already. */
  #activityOf(socket: Socket): Activity {
    return this.#open.get(socket) ?? this.add(socket)
  }

  #count(res: ServerResponse, milliseconds: number): void {
    this.record[inFlight]! -= 1
    const finished = res.writableFinished ? Math.floor(res.statusCode / 100) : 0
    this.record[responses + (finished >= 1 && finished <= 5 ? finished : 0)]! += 1
    let bucket = 0
    while (bucket < buckets.length && milliseconds > buckets[bucket]!) bucket += 1
    this.record[took + bucket]! += 1
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
    for (const { response } of this.#open.values()) {
      if (response !== undefined && !response.headersSent) makeLast(response)
    }
    for (const session of this.#sessions) session.close()
  }

  /** Ends the connections that have been idle since `latest` or longer, with no part of a request read. */
  endIdle(latest: number): void {
    for (const [socket, { busy, idleSince, bytesRead }] of this.#open) {
      if (busy === 0 && idleSince <= latest && socket.bytesRead === bytesRead) socket.destroySoon()
    }
  }

  /** Cuts what is still open. */
  cut(): void {
    for (const socket of this.#webSockets) socket.end(goingAway)
    for (const socket of this.#open.keys()) {
      if (this.#webSockets.has(socket)) socket.destroySoon()
      else socket.destroy()
    }
    for (const session of this.#sessions) session.destroy()
  }
}

/** From now on, and without what was read until now, the connection is idle. */
function rest(activity: Activity, { bytesRead }: Socket): void {
  activity.idleSince = performance.now()
  activity.bytesRead = bytesRead
}

/** This response is the last one of its connection. */
function makeLast(response: ServerResponse): void {
  const { req } = response
  response.shouldKeepAlive = false
  if (!req.complete) endWhenRead(req)
}

/**
 * Node closes the connection as soon as it has sent the last response. Where the client still sends the body of its
 * request, the kernel answers with a reset, which may overtake the response: the rest has to be read first (RFC 9112
 * section 9.6).
 */
function endWhenRead(req: IncomingMessage): void {
  const { socket } = req
  const { destroySoon } = socket
  socket.destroySoon = () => {
    socket.destroySoon = destroySoon
    if (req.complete) return socket.destroySoon()
    socket.end()
    req.once('end', () => socket.destroySoon()).resume()
  }
}
