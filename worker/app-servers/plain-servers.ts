/**
 * The app's own servers of `net` and `tls`: what they accept, the app reads itself, or hands to an HTTP server of its
 * own with `emit('connection')`.
 */
import { type Server, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { isAppServer } from '../app/adapters/server.ts'
import type { AppServer, LoadedApp } from '../app/load.ts'
import { markPlain, unmarkPlain } from '../connection/connection-state.ts'
import type { Connections } from '../connection/connections.ts'
import type { Transport } from '../connection/transport.ts'
import { ignore } from '../http/rejection.ts'
import { describeListen } from '../listen/listen-address.ts'
import { type ConnectionWatcher, watchConnections } from '../net/emitted-connections.ts'
import type { WorkerLog } from '../process/log.ts'
import { AppError } from '../protocol/boot-error.ts'
import type { EarlyServers } from './early-servers.ts'
import { trackConnections } from './wrap-server.ts'

export class PlainServers implements ConnectionWatcher {
  readonly #connections: Connections
  readonly #servers = new Set<Server>()
  /** Those that have handed connections to HTTP servers: what they accept is likely to be HTTP. */
  readonly #feeding = new WeakSet<Server>()
  /** Which of them accepted a connection. */
  readonly #origins = new WeakMap<Duplex, Server>()
  readonly #fed = new WeakSet<AppServer>()
  /** Those that got connections before the worker serves. */
  #early: AppServer[] = []
  /** Called with each HTTP server that does not listen, before it gets its first connection. */
  #onFed: (server: AppServer) => void

  constructor(connections: Connections, early: EarlyServers) {
    this.#connections = connections
    this.#onFed = server => {
      this.#early.push(server)
      early.track(server)
      trackConnections(server, connections)
    }
  }

  /** Call before the server listens. */
  add(server: Server): void {
    if (this.#servers.size === 0) watchConnections(this)
    this.#servers.add(server)
  }

  /** From now on this function prepares HTTP servers, those that are known already as well. */
  serve(onFed: (server: AppServer) => void): void {
    this.#onFed = onFed
    for (const server of this.#early) onFed(server)
    this.#early = []
  }

  onConnection(server: Server, socket: Duplex): void {
    if (isAppServer(server)) this.#feed(server, socket)
    else if (this.#servers.has(server) && socket instanceof Socket) this.#accept(server, socket)
  }

  onSecure(server: Server, socket: Duplex): void {
    const below = parentOf(socket)
    const origin = below && this.#origins.get(below)
    if (origin === undefined || isAppServer(server) || !(socket instanceof Socket)) return
    this.#connections.addSecure(socket)
    this.#accept(origin, socket)
  }

  #accept(server: Server, socket: Socket): void {
    // Until the app or an HTTP server handles errors, a client that resets the connection would end the worker.
    socket.on('error', ignore)
    const state = this.#connections.add(socket)
    this.#origins.set(socket, server)
    if (!this.#feeding.has(server)) markPlain(state)
  }

  #feed(server: AppServer, socket: Duplex): void {
    // It accepts connections itself, maybe on a port of this worker alone.
    if (!server.listening && !this.#fed.has(server)) {
      this.#fed.add(server)
      this.#onFed(server)
    }
    const known = this.#originOf(socket)
    if (known === undefined) return
    this.#startFeeding(known)
    const state = socket instanceof Socket ? this.#connections.stateOf(socket) : undefined
    if (state !== undefined) unmarkPlain(state)
  }

  /** Its other connections may be closed while they are idle, as soon as it is clear that none has begun. */
  #startFeeding(server: Server): void {
    if (this.#feeding.has(server)) return
    this.#feeding.add(server)
    for (const [socket, state] of this.#connections.entries())
      if (this.#origins.get(socket) === server && socket.bytesRead === 0) unmarkPlain(state)
  }

  /** The app may have put TLS on top of a connection itself. */
  #originOf(socket: Duplex): Server | undefined {
    const origin = this.#origins.get(socket)
    const below = parentOf(socket)
    if (origin !== undefined || below === undefined) return origin
    const known = this.#origins.get(below)
    if (known !== undefined && socket instanceof Socket) {
      this.#connections.addSecure(socket)
      this.#origins.set(socket, known)
    }
    return known
  }
}

/** What a TLS socket is on top of. Node's own field: there is no public one. */
function parentOf(socket: Duplex): Duplex | undefined {
  return (socket as Duplex & { readonly _parent?: Duplex | null })._parent ?? undefined
}

/**
 * TLS of the settings is for HTTP servers only.
 *
 * @throws AppError when the operator wants TLS for what the app serves in this way
 */
export function checkTlsOf(
  app: LoadedApp,
  transport: Transport | undefined,
  log: Pick<WorkerLog, 'warning'>,
): void {
  if (transport?.hasTls !== true) return
  for (const { server, listener, request } of app.intercepted) {
    if (isAppServer(server)) continue
    const what = `The app's server on ${describeListen(request)} is no HTTP server, so certfile does not apply to it`
    if (server === app.server || !listener.of_app)
      throw new AppError(`${what}: leave out certfile, and let the app use tls.createServer`)
    log.warning(`${what}: it gets its connections as they are`)
  }
}
