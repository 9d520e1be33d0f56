/**
 * One request at a time, for `worker_class: 'sync'`: the worker accepts a connection when the one before it has had its
 * turn. Meanwhile connections wait in the kernel, where other workers take them.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Server, Socket } from 'node:net'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { pauseAccepting, resumeAccepting } from '../balance/pausing.ts'
import { ignore } from '../http/rejection.ts'
import type { RequestListener } from '../http/types.ts'
import { linger } from '../net/lingering-close.ts'
import { tellArbiter } from '../process/arbiter-channel.ts'
import type { WorkerLog } from '../process/log.ts'
import { hasClientLeft, onDone } from './abandoned.ts'

export interface TurnsOptions {
  /** How long an app may go on with a request whose client has left, in seconds; 0 for no limit. */
  readonly limit: number
  /** How long a client may take for the head of its request, in seconds; 0 for no limit. */
  readonly headerTimeout: number
  readonly log: Pick<WorkerLog, 'error' | 'warning'>
  /** Whether the app itself reads what comes on this connection. */
  readonly isPlain: (socket: Socket) => boolean
  /** Counts a connection that waits, so that the worker does not leave before it is served. */
  readonly onWaiting: (socket: Socket) => void
  /** Closes connections that say nothing: they would hold up a worker that leaves. */
  readonly closeSilent: () => void
}

/** From the acceptance of a connection to the end of its request. */
interface Turn {
  readonly socket: Socket
  response?: ServerResponse
  /** The app has left HTTP: the turn lasts as long as the connection. */
  isUpgraded?: true
  /** What the app's listener returned. */
  outcome?: PromiseLike<unknown>
  /** That promise is settled. */
  isSettled?: true
  timer?: NodeJS.Timeout | undefined
}

/** A connection that was accepted during the turn of another one. */
interface Waiting {
  readonly socket: Socket
  readonly next: (socket: Socket) => void
}

/** Node's own limit for the head, which answers with 408, comes up to a second late; then this one, in milliseconds. */
const headGraceMs = 5_000

/** How long all workers take what is queued one by one, before each that is free takes the rest, in milliseconds. */
const sharingMs = 1_000

/** How often a worker that leaves looks for silent connections, in milliseconds. */
const sweepMs = 50

/** How many turns of the event loop without a new connection show that a queue is empty. */
const quietTurns = 3

export class Turns {
  readonly #options: TurnsOptions
  readonly #servers = new Set<Server>()
  readonly #known = new WeakSet<Socket>()
  readonly #waiting: Waiting[] = []
  #current: Turn | undefined
  /** Accepts all that is queued, which then waits here. */
  #takesAll = false
  #onReleased: () => void = () => undefined
  #hasFailed = false
  /** Asked to be replaced: nothing comes after this turn. */
  #isLeaving = false

  constructor(options: TurnsOptions) {
    this.#options = options
  }

  /** Call before the server accepts connections. */
  add(server: Server): void {
    this.#servers.add(server)
    server.once('close', () => this.#servers.delete(server))
  }

  /** Call for each connection that the server has accepted. */
  accept(server: Server, socket: Socket, next: (socket: Socket) => void): void {
    // A server of the app may have handed it to another one.
    if (this.#known.has(socket)) return next(socket)
    this.#known.add(socket)
    if (this.#servers.delete(server)) this.#servers.add(server)
    if (this.#current === undefined) return this.#begin({ socket, next })
    // Its server has begun to listen since, or it is the end.
    socket.on('error', ignore)
    this.#options.onWaiting(socket)
    this.#waiting.push({ socket, next })
    if (!this.#takesAll) this.#pause()
  }

  #begin({ socket, next }: Waiting): void {
    const current: Turn = { socket }
    this.#current = current
    if (!this.#takesAll) this.#pause()
    const { headerTimeout, isPlain } = this.#options
    if (headerTimeout > 0)
      current.timer = setTimeout(
        () => {
          if (!isPlain(socket)) socket.destroy()
        },
        headerTimeout * 1_000 + headGraceMs,
      )
    socket.once('close', () => {
      if (current.response === undefined) this.#release(current)
    })
    next(socket)
  }

  #pause(): void {
    for (const server of this.#servers) {
      if (pauseAccepting(server) || this.#hasFailed) continue
      this.#hasFailed = true
      this.#options.log.error('This Node.js goes on accepting: connections wait for this worker, not for any')
    }
  }

  #release(current: Turn): void {
    if (this.#current !== current || this.#isLeaving) return
    clearTimeout(current.timer)
    this.#current = undefined
    this.#onReleased()
    // In a turn of its own: whatever has ended this one may not be done.
    setImmediate(() => this.#next())
  }

  #next(): void {
    if (this.#current !== undefined) return
    let waiting = this.#waiting.shift()
    while (waiting?.socket.destroyed) waiting = this.#waiting.shift()
    if (waiting !== undefined) return this.#begin(waiting)
    // The one that has accepted last comes last, a turn later: it may have a queue that never ends.
    const [last, ...others] = [...this.#servers].reverse()
    for (const server of others.reverse()) resumeAccepting(server)
    if (others.length === 0) return this.#resume(last)
    setImmediate(() => this.#resume(last))
  }

  #resume(server: Server | undefined): void {
    if (server !== undefined && (this.#current === undefined || this.#takesAll)) resumeAccepting(server)
  }

  /** A request has begun; each connection has one only. */
  began(res: ServerResponse): void {
    const current = this.#current
    if (current === undefined || current.response !== undefined || current.isUpgraded) return
    clearTimeout(current.timer)
    current.response = res
  }

  /** The app has taken over a connection. */
  upgraded(): void {
    if (this.#current === undefined) return
    clearTimeout(this.#current.timer)
    this.#current.isUpgraded = true
  }

  /** The response is finished or cut off. */
  ended(res: ServerResponse): void {
    const current = this.#current
    if (current === undefined || current.response !== res) return
    const { socket } = res.req
    // An app that writes `Connection: keep-alive` itself.
    if (res.shouldKeepAlive && !socket.destroyed) {
      linger(socket)
      socket.destroySoon()
    }
    const isDone = res.writableEnded || current.isSettled
    if (isDone || (current.outcome === undefined && !hasClientLeft(res))) this.#release(current)
    else this.#awaitApp(current, res)
  }

  /** The client has left, and the app goes on. */
  #awaitApp(current: Turn, res: ServerResponse): void {
    onDone(res, current.outcome, () => this.#release(current))
    const { limit, log } = this.#options
    if (limit === 0) return
    const { method, url } = res.req
    const text = `${method} ${url}: its client left, and ${limit} s later the app has not ended its response`
    current.timer = setTimeout(() => {
      log.warning(`${text}: the worker is replaced`)
      this.leave('its app goes on with a request whose client left')
    }, limit * 1_000)
  }

  /** The app may go on with a request for ever: only the end of the worker ends that. */
  leave(why: string): void {
    this.#isLeaving = true
    tellArbiter({ type: 'leaving', why })
  }

  /** Notes what the app's listener returns: a promise says when it is done. */
  readonly step = (next: RequestListener): RequestListener => {
    return (req: IncomingMessage, res: ServerResponse) => {
      // A plain server of the app may have handed it to one of HTTP/2.
      if (req.httpVersionMajor !== 1) return res.writeHead(505).end()
      const outcome = next(req, res) as Partial<PromiseLike<unknown>> | null | undefined
      const current = this.#current
      if (current?.response !== res || typeof outcome?.then !== 'function') return outcome
      current.outcome = outcome as PromiseLike<unknown>
      const settled = () => {
        current.isSettled = true
      }
      outcome.then(settled, settled)
      return outcome
    }
  }

  /**
   * Serves what is queued on sockets that are given up, until nothing is queued or the time `until` of
   * `performance.now()`. At first one by one, because other workers leave as well and serve the same queue; then it
   * accepts the rest at once, which is served before the worker leaves.
   */
  async empty(until: number): Promise<void> {
    const isOver = () => this.#isLeaving || performance.now() >= until
    const sharedUntil = performance.now() + sharingMs
    while (!isOver()) {
      await this.#free(isOver)
      if (performance.now() >= sharedUntil) {
        this.#takesAll = true
        return this.#next()
      }
      let quiet = 0
      while (quiet < quietTurns && this.#current === undefined) {
        quiet += 1
        await turn()
      }
      if (this.#current === undefined) return
    }
  }

  /** Resolves when it is nobody's turn. */
  async #free(isOver: () => boolean): Promise<void> {
    while (this.#current !== undefined && !isOver()) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#onReleased = resolve
      await Promise.race([promise, sleep(sweepMs, undefined, { ref: false })])
      this.#options.closeSilent()
    }
    // Those that wait come next.
    await turn()
  }
}
