/**
 * The administrative listener: metrics and health of the server, and its status page. It is the arbiter's, and answers
 * also when workers are stuck. What clients do costs the arbiter little: few may be connected, none for long, and
 * metrics are computed a few times a second at most.
 */
import { once } from 'node:events'
import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Address, describeAddress } from '../../config/kinds/bind-address.ts'
import { within } from '../../hooks/time-limit.ts'
import type { Command } from '../control/controlled.ts'
import { listenersOf } from '../control/snapshot.ts'
import { AppMetrics } from '../metrics/app-metrics.ts'
import { Bequest } from '../metrics/bequest.ts'
import { type AdministeredServer, countersOf } from '../metrics/counters.ts'
import {
  contentTypes,
  exposition,
  type Family,
  type Format,
  formatFor,
  withoutNamesOf,
} from '../metrics/exposition.ts'
import { metricsOf } from '../metrics/metrics.ts'
import {
  attempt,
  clearStaleSocket,
  closeKeeping,
  type FileIdentity,
  identify,
} from '../sockets/socket-file.ts'
import { inTurns } from '../system/steps.ts'
import { type Health, healthOf } from './health.ts'
import { respond, respondInPieces } from './respond.ts'
import type { StatusPage } from './status-page.ts'
import { whoLeaves } from './who-leaves.ts'

export interface AdminOptions {
  readonly address: Exclude<Address, { kind: 'fd' }>
  readonly version: string
  /** The file with the token for actions of the status page; null without. */
  readonly tokenFile: string | null
  readonly report: (message: string) => void
}

/**
 * How many clients may be connected, and how long one may take for a request, or read nothing, in milliseconds. Pages
 * that follow the server are fewer.
 */
const mostClients = 24
const patienceMs = 5_000

/** How long the same metrics are served again, in milliseconds. */
const freshMs = 250

const pagePaths = ['/', '/-/feed', '/-/reload', '/-/scale']

/** How often a new arbiter is told what was counted, and how long it may take at the end, in milliseconds. */
const bequeathMs = 5_000
const lastWordsMs = 2_000

/** How often to try an address that the old arbiter may still have before that is reported; then, the pauses are longer. */
const tries = 20
const pauseMs = 250
const longPauseMs = 2_000

/** Metrics, and when they were measured. */
interface Made {
  readonly at: number
  readonly families: Promise<readonly Family[]>
  readonly texts: Map<Format, Promise<readonly Buffer[]>>
  isDone: boolean
}

export class AdminServer {
  readonly #options: AdminOptions
  readonly #http: HttpServer
  /** Oldest first. */
  readonly #clients = new Set<Socket>()
  /** The clients that have no answer yet. */
  readonly #asking = new WeakSet<Socket>()
  #server: AdministeredServer | undefined
  #hear: (command: Command) => void = () => undefined
  #page: Promise<StatusPage> | undefined
  #lastReload: number | undefined
  readonly #app: AppMetrics
  readonly #bequest: Bequest
  #made: Made | undefined
  #isClosed = false
  #socket: { readonly path: string; readonly file: FileIdentity | undefined } | undefined

  constructor(options: AdminOptions) {
    this.#options = options
    this.#app = new AppMetrics(options.report)
    this.#bequest = new Bequest(this.#app)
    const limits = { headersTimeout: patienceMs, requestTimeout: patienceMs, keepAliveTimeout: patienceMs }
    this.#http = createServer({ ...limits, maxHeaderSize: 8_192 }, (req, res) => this.#take(req, res))
    this.#http.on('connection', socket => this.#admit(socket))
    this.#http.timeout = patienceMs
    this.#http.unref()
  }

  /** Listens. Rejects with one message for the user. */
  async open(): Promise<void> {
    const { address } = this.#options
    try {
      if (address.kind === 'unix') await clearStaleSocket(address.path)
      this.#http.listen(address)
      await once(this.#http, 'listening')
      if (address.kind === 'unix') this.#socket = { path: address.path, file: identify(address.path) }
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      const why = code === 'EADDRINUSE' ? 'the address is in use' : message
      const text = `Cannot bind metrics_bind ${describeAddress(address)}: ${why}: choose another address`
      throw new Error(text, { cause: error })
    }
    // Without descriptors, a client has to come back.
    this.#http.on('error', ({ message }) => this.#options.report(`metrics_bind: ${message}`))
  }

  /** Opens the address that the old arbiter has had until now, as soon as nobody has it. */
  async takeOver(): Promise<void> {
    for (let tried = 1; !this.#isClosed; tried += 1) {
      try {
        return await this.open()
      } catch (error) {
        if (tried === tries)
          this.#options.report(`${(error as Error).message}, or free it: it is tried again`)
        await sleep(tried < tries ? pauseMs : longPauseMs, undefined, { ref: false })
      }
    }
  }

  /** Tells about this server from now on, and passes on what is asked on the status page. */
  serve(server: AdministeredServer, hear: (command: Command) => void): void {
    this.#server = server
    server.totals.app = this.#app
    this.#hear = hear
    server.journal.follow(event => {
      if (event.type === 'reload succeeded') this.#lastReload = event.took
      if (event.type === 'new arbiter ready') this.#bequest.tell(server)
    })
    // This arbiter may be killed before it has the last word.
    setInterval(() => this.#bequest.tell(server), bequeathMs).unref()
  }

  /** Tells a new arbiter, if there is one, everything counted so far; resolves when it is sent, or takes too long. */
  async bequeath(): Promise<void> {
    if (this.#server === undefined) return
    const told = this.#bequest.tellLast(this.#server)
    await within(lastWordsMs, told, () => new Error('The new arbiter reads nothing')).catch(() => undefined)
  }

  /** Goes on from the counters in this message of the old arbiter: the last one counts. */
  inherit(message: unknown): void {
    const counters = this.#bequest.hear(message)
    if (counters !== undefined) this.#server?.totals.inherit(counters.requests)
  }

  close(): void {
    this.#isClosed = true
    const end = () => attempt(() => this.#http.close())
    if (this.#socket === undefined) end()
    else closeKeeping(this.#socket.path, this.#socket.file, end)
    this.#http.closeAllConnections()
  }

  #admit(socket: Socket): void {
    this.#clients.add(socket)
    socket.once('close', () => this.#clients.delete(socket))
    if (this.#clients.size > mostClients)
      whoLeaves(this.#clients, client => this.#asking.has(client))?.destroy()
  }

  /** No client needs to send a request before it has the last answer; thousands in one piece would hold up the loop. */
  #take(req: IncomingMessage, res: ServerResponse): void {
    const { socket } = req
    if (this.#asking.has(socket)) return void socket.destroy()
    this.#asking.add(socket)
    res.once('close', () => this.#asking.delete(socket))
    this.#answer(req, res).catch(({ message }: Error) => respond(res, { status: 500, body: `${message}\n` }))
  }

  async #answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const [path = ''] = (req.url ?? '').split('?')
    if (pagePaths.includes(path)) return await this.#answerPage(req, res, path)
    if (req.method !== 'GET' && req.method !== 'HEAD')
      return respond(res, { status: 405, body: 'Only GET and HEAD\n', headers: { Allow: 'GET, HEAD' } })
    const health: Readonly<Record<string, Health>> = healthOf(this.#server)
    const asked = Object.hasOwn(health, path) ? health[path] : undefined
    if (asked !== undefined)
      return respond(res, { status: asked.isGood ? 200 : 503, body: `${asked.words}\n` })
    if (path !== '/metrics')
      return respond(res, {
        status: 404,
        body: `There are ${['/', '/metrics', ...Object.keys(health)].join(', ')}\n`,
      })
    const format = formatFor(req.headers.accept)
    try {
      await respondInPieces(res, { status: 200, body: await this.#text(format), type: contentTypes[format] })
    } catch (error) {
      respond(res, { status: 503, body: `${(error as Error).message}\n` })
    }
  }

  async #answerPage(req: IncomingMessage, res: ServerResponse, path: string): Promise<void> {
    const server = this.#server
    if (server === undefined) return respond(res, { status: 503, body: 'The server is being started\n' })
    this.#page ??= import('./status-page.ts').then(
      ({ StatusPage }) => new StatusPage({ ...this.#options, server, hear: command => this.#hear(command) }),
    )
    await (await this.#page).answer(req, res, path)
  }

  /** Computes metrics anew where they are old; in steps, so that the arbiter does other work in between. */
  async #text(format: Format): Promise<readonly Buffer[]> {
    const now = performance.now()
    if (this.#made === undefined || (this.#made.isDone && now - this.#made.at > freshMs))
      this.#made = this.#make(now)
    const { families, texts } = this.#made
    const text = texts.get(format) ?? families.then(all => inTurns(exposition(all, format)))
    texts.set(format, text)
    return await text
  }

  #make(at: number): Made {
    const made: Made = { at, families: this.#measure(), texts: new Map(), isDone: false }
    const end = () => {
      made.isDone = true
    }
    made.families.then(end, end)
    return made
  }

  async #measure(): Promise<readonly Family[]> {
    const server = this.#server
    if (server === undefined) throw new Error('The server is being started')
    const app = server.resolved.settings.app_metrics ? this.#app : undefined
    await app?.measure(server.fleet.workers)
    const ofApp = app === undefined ? [] : await inTurns(app.families())
    const listeners = await listenersOf(server)
    const counters = await inTurns(countersOf(server, this.#bequest.inherited))
    const { version } = this.#options
    const own = await inTurns(
      metricsOf({ server, version, counters, listeners, lastReload: this.#lastReload }),
    )
    return [...own, ...withoutNamesOf(own, ofApp)]
  }
}
