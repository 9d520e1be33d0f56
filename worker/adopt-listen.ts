import { Server } from 'node:net'
import { resolve } from 'node:path'
import type { AppLog, AppServer } from './adapters/adapter.ts'
import { isAppServer } from './adapters/server.ts'
import { BindFailed } from './app-error.ts'
import { type ListenRequest, readListen, targetOf } from './listen-request.ts'
import type { InheritedListener } from './protocol.ts'

/** A server of the app that called `listen` for an inherited socket. */
export interface CaughtServer {
  readonly server: AppServer
  readonly listener: InheritedListener
}

/**
 * Leads what the app listens on to the sockets that the worker inherited.
 *
 * `net.Server.prototype.listen` is replaced for the life of the process, before any code of the app runs. Only servers of http,
 * https and http2 that ask for an inherited port or path are led there; port probes, metrics servers and the like listen as they
 * always did.
 */
export class ListenCatcher {
  /** In the order of their calls. */
  readonly caught: CaughtServer[] = []
  /** The first of them is listening. */
  readonly first: Promise<void>
  readonly #listeners: readonly InheritedListener[]
  readonly #check: boolean
  readonly #backlog: number | undefined
  readonly #log: AppLog
  readonly #strays = new Map<Server, string>()
  readonly #original = Server.prototype.listen
  readonly #listening: () => void
  readonly #onListen: ((server: AppServer) => void) | undefined
  readonly #refused: (error: BindFailed) => void
  #waiting = false
  #loaded = false

  constructor(options: {
    readonly listeners: readonly InheritedListener[]
    /** Nothing may listen: every server of HTTP is told that it does, and does not. */
    readonly check: boolean
    /** For listens that name none; each one sets the length of the queue anew, and the socket is shared. */
    readonly backlog?: number | undefined
    readonly log: AppLog
    /** Called before a server of the app listens on an inherited socket, and so before its first connection. */
    readonly onListen?: ((server: AppServer) => void) | undefined
    /** The kernel would not let the app listen. */
    readonly refused: (error: BindFailed) => void
  }) {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.first = promise
    this.#listening = resolve
    this.#onListen = options.onListen
    this.#refused = options.refused
    this.#listeners = options.listeners
    this.#check = options.check
    this.#backlog = options.backlog
    this.#log = options.log
    const catcher = this
    Server.prototype.listen = function (this: Server, ...args: unknown[]) {
      return catcher.#hear(this, args)
    } as typeof Server.prototype.listen
  }

  /** Where servers of the app listen that no inherited socket serves: `port 3000`. */
  get elsewhere(): readonly string[] {
    return [...this.#strays.values()]
  }

  /** From now on only `first` is waited for: servers that listen elsewhere must not be what keeps the process waiting. */
  ignoreElsewhere(): void {
    this.#waiting = true
    for (const server of this.#strays.keys()) server.unref()
  }

  /** The app is loaded and the worker takes the sockets that are left: what the app still asks for is granted in name only. */
  finish(): void {
    this.#loaded = true
    if (this.#waiting) for (const server of this.#strays.keys()) server.ref()
    this.#waiting = false
  }

  #hear(server: Server, args: readonly unknown[]): Server {
    const request = isAppServer(server) ? readListen(args) : undefined
    if (request === undefined || !isAppServer(server)) return this.#pass(server, args)
    const wanted = this.#listeners.filter(listener => matches(listener, request))
    if (wanted.length > 0) return this.#lead(server, request, wanted)
    this.#strays.set(server, nameOf(request))
    if (this.#waiting) server.unref()
    server.once('close', () => this.#strays.delete(server))
    return this.#check ? pretend(server, request) : this.#pass(server, args)
  }

  #pass(server: Server, args: readonly unknown[]): Server {
    return Reflect.apply(this.#original, server, args)
  }

  #lead(server: AppServer, request: ListenRequest, wanted: readonly InheritedListener[]): Server {
    const taken = new Set(this.caught.map(({ listener }) => listener))
    const free = wanted.filter(listener => !taken.has(listener))
    const listener = free.find(({ host }) => host === request.host) ?? free[0]
    if (this.#loaded || listener === undefined) {
      this.#log(
        'info',
        `The app's listen on ${nameOf(request)} is left out: tsicorn serves ${wanted[0]!.name} already`,
      )
      return pretend(server, request, wanted[0])
    }
    this.caught.push({ server, listener })
    this.#log('info', `The app's listen on ${nameOf(request)} was led to ${listener.name}`)
    server.once('listening', this.#listening)
    if (this.#check) return pretend(server, request, listener)
    this.#onListen?.(server)
    const failed = (cause: Error) =>
      this.#refused(new BindFailed(`Cannot listen on ${listener.name}: ${cause.message}`, { cause }))
    server.prependOnceListener('error', failed)
    server.once('listening', () => server.off('error', failed))
    if (listener.path !== undefined) answerAddress(server, listener.path)
    const { backlog = this.#backlog, callback, signal } = request
    return this.#pass(server, [{ ...targetOf(listener), backlog, signal }, backlog, callback])
  }
}

function matches(listener: InheritedListener, request: ListenRequest): boolean {
  if (request.path !== undefined)
    return listener.path !== undefined && resolve(request.path) === resolve(listener.path)
  return request.port !== undefined && request.port !== 0 && listener.port === request.port
}

function nameOf({ port, path, host }: ListenRequest): string {
  if (path !== undefined) return path
  return host === undefined ? `port ${port ?? 0}` : `port ${port ?? 0} of ${host}`
}

/** Tells the server that it listens, and nothing else. */
function pretend(server: AppServer, request: ListenRequest, listener?: InheritedListener): Server {
  const {
    port = request.port ?? 0,
    host = request.host ?? '::',
    path = request.path,
  }: Partial<InheritedListener> = listener ?? {}
  answerAddress(server, path ?? { port, address: host, family: host.includes(':') ? 'IPv6' : 'IPv4' })
  if (request.callback !== undefined) server.once('listening', request.callback)
  process.nextTick(() => server.emit('listening'))
  return server
}

/** Node knows the path of a pipe only when it bound the pipe itself. */
function answerAddress(server: AppServer, address: ReturnType<Server['address']>): void {
  Object.defineProperty(server, 'address', { value: () => address, configurable: true, writable: true })
}
