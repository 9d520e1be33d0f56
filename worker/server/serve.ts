/** Serves the app on the inherited sockets, with its own servers or with one of tsicorn. */
import { createServer, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { isHttp2, isSecure, shapeOf } from '../app/adapters/server.ts'
import type { AppServer, LoadedApp, RequestListener } from '../app/load.ts'
import type { Connections } from '../connection/connections.ts'
import type { ListenerFilter } from '../connection/listener-filters.ts'
import type { Transport } from '../connection/transport.ts'
import { withLazyContinue } from '../http/expect-continue.ts'
import { tolerateResets } from '../http/http2-response.ts'
import type { StreamListener, UpgradeListener } from '../http/types.ts'
import { createForwarder, listen, stopListening } from '../listen/accepting.ts'
import { deferClose } from '../listen/app-server.ts'
import type { InterceptedServer } from '../listen/claims.ts'
import { type AcceptingServer, emptyQueues } from '../listen/empty-queues.ts'
import { AppError } from '../protocol/boot-error.ts'
import type { InheritedListener } from '../protocol/messages.ts'
import { endEarlyTracking } from './early-servers.ts'
import type { Pipeline } from './request-pipeline.ts'

export interface ServeOptions {
  readonly listeners: readonly InheritedListener[]
  /** How long an idle connection is kept, in seconds. */
  readonly keepalive: number
  readonly backlog: number
  readonly connections: Connections
  /** Everything around the listeners of the app. */
  readonly pipeline: Pipeline
  readonly wrapStream: (listener: StreamListener) => StreamListener
  /** Rejects upgrades where there is no listener. */
  readonly wrapUpgrade: (listener?: UpgradeListener) => UpgradeListener
  /** Called for each HTTP server. */
  readonly onServer: (server: AppServer) => void
  /** How long the head of a request may take, in seconds; 0 is no limit. */
  readonly headerTimeout: number
  readonly maxHeadBytes: number
  /** Where connections are filtered. */
  readonly listenerFilter: ListenerFilter | undefined
  /** Called when the app closes its main server, or one that it started later, and no other listens in its place. */
  readonly onClosed: (listener: InheritedListener | undefined) => void
  /** TLS and HTTP/2, where they are configured. */
  readonly transport: Transport | undefined
}

export interface Serving {
  /** Adds a server of the app that is about to listen; false when the worker no longer accepts. */
  add(one: InterceptedServer): boolean
  /** Stops accepting, after taking the connections that are queued on the abandoned descriptors. */
  stopAccepting(abandoned: readonly number[]): Promise<void>
  /** Closes the servers of the app that it has not closed itself. */
  close(): Promise<void>
}

/** Rejects with `BindFailed` when another process listens on one of the addresses. */
export async function serve(app: LoadedApp, options: ServeOptions): Promise<Serving> {
  const { listeners, backlog, listenerFilter } = options
  let acceptors: readonly AcceptingServer[] = [...app.intercepted]
  const ofApp = new Set(app.intercepted.map(({ server }) => server))
  if (app.server !== undefined) ofApp.add(app.server)
  const prepared = new WeakSet<AppServer>()
  const prepare = (one: AppServer) => {
    // Each time, since it may have got other listeners.
    wrapServer(one, options)
    if (!prepared.has(one)) options.onServer(one)
    prepared.add(one)
  }
  for (const one of ofApp) prepare(one)
  const server = app.server ?? createOwnServer(app, options)
  if (!ofApp.has(server)) options.onServer(server)
  /** The app may replace it. */
  let main = server
  for (const listener of listeners) {
    const isTaken = acceptors.some(acceptor => acceptor.listener === listener)
    if (isTaken || app.awaited?.includes(listener)) continue
    const isFree = !server.listening && acceptors.every(acceptor => acceptor.server !== server)
    const front = listenerFilter?.front(server, () => main) ?? (isFree ? server : createForwarder(() => main))
    await listen(front, listener, backlog)
    acceptors = [...acceptors, { listener, server: front }]
  }
  const closers: (() => void)[] = []
  let isStopping = false
  const listenersOf = (one: AppServer) =>
    acceptors.filter(acceptor => acceptor.server === one).map(({ listener }) => listener)
  const watch = (one: AppServer, isNeeded: boolean) => {
    const listener = listenersOf(one).at(-1)
    const closed = () => {
      ofApp.delete(one)
      const isServed = acceptors.some(other => other.listener === listener && other.server.listening)
      if (isNeeded && !isServed) options.onClosed(listener)
    }
    ofApp.add(one)
    // It may have been closed since the app was loaded.
    if (listener !== undefined && !one.listening) closed()
    else one.once('close', closed)
  }
  for (const one of ofApp) watch(one, one === app.server || listenersOf(one).some(({ of_app }) => !of_app))
  return {
    add(one) {
      if (isStopping) return false
      listenerFilter?.install(one.server)
      prepare(one.server)
      if (listenersOf(main).includes(one.listener)) main = one.server
      const isLeft = ({ listener, server: other }: AcceptingServer) =>
        listener !== one.listener || (other !== one.server && other.listening)
      acceptors = [...acceptors.filter(isLeft), one]
      watch(one.server, true)
      return true
    },
    async stopAccepting(abandoned) {
      isStopping = true
      await emptyQueues(acceptors, abandoned)
      for (const one of ofApp) closers.push(deferClose(one))
      for (const acceptor of acceptors) stopListening(acceptor.server)
    },
    async close() {
      for (const close of closers) close()
      await turn()
    },
  }
}

function createOwnServer(app: LoadedApp, options: ServeOptions): Server {
  const { keepalive, connections, pipeline, wrapUpgrade, headerTimeout, maxHeadBytes } = options
  const listener = pipeline(app.listener as RequestListener)
  const own = {
    maxHeaderSize: maxHeadBytes,
    connectionsCheckingInterval: connectionsCheckMs,
    // Validation checks this, and logs it.
    requireHostHeader: false,
  }
  const server = createServer(own, listener)
  server.on(
    'checkContinue',
    withLazyContinue(listener, () => connections.mayKeepAlive),
  )
  // With 0 every response ends its connection, and Node would take it for no limit.
  if (keepalive > 0) server.keepAliveTimeout = keepalive * 1_000
  // The limit of the parser would silently drop the rest.
  server.maxHeadersCount = 0
  server.headersTimeout = headerTimeout * 1_000
  server.requestTimeout = 0
  if (app.upgrade !== undefined) server.on('upgrade', wrapUpgrade(app.upgrade))
  server.on('connect', wrapUpgrade())
  options.transport?.attach(server, app.listener)
  trackConnections(server, connections)
  return server
}

/** How often Node looks for requests that arrive too slowly, in milliseconds. */
const connectionsCheckMs = 1_000

/** Node's default `keepAliveTimeout`, in milliseconds. */
const nodeKeepAliveMs = 5_000

/** Puts the pipeline in front of the listeners of the app's own server. */
function wrapServer(server: AppServer, options: ServeOptions): void {
  const { keepalive, connections, pipeline, wrapUpgrade, transport } = options
  if (transport?.hasTls && isSecure(server)) throw new AppError(doubleTls(server))
  transport?.attach(server)
  endEarlyTracking(server)
  for (const event of ['request', 'checkContinue', 'checkExpectation'])
    wrapListeners<RequestListener>(server, event, own => pipeline(...own.map(one => of(server, one))))
  // Over HTTP/2, Node handles both.
  if (isHttp2(server)) wrapStreamListeners(server, options)
  else wrapHttp1Events(server, options)
  wrapListeners<UpgradeListener>(server, 'upgrade', own => wrapUpgrade(inTurn(server, own)))
  if (keepalive > 0 && 'keepAliveTimeout' in server && server.keepAliveTimeout === nodeKeepAliveMs) {
    server.keepAliveTimeout = keepalive * 1_000
  }
  trackConnections(server, connections)
}

/** `Expect: 100-continue` and CONNECT. */
function wrapHttp1Events(server: AppServer, { connections, wrapUpgrade }: ServeOptions): void {
  // In older versions of Node, the limit silently drops the rest before validation.
  if ('maxHeadersCount' in server) server.maxHeadersCount ??= 0
  const answer: RequestListener = (req, res) => void server.emit('request', req, res)
  if (server.listenerCount('request') > 0 && server.listenerCount('checkContinue') === 0)
    addWrapper(
      server,
      'checkContinue',
      withLazyContinue(answer, () => connections.mayKeepAlive),
    )
  wrapListeners<UpgradeListener>(server, 'connect', own => wrapUpgrade(inTurn(server, own)))
  if (server.listenerCount('connect') === 0) addWrapper(server, 'connect', wrapUpgrade())
}

/** An app may handle HTTP/2 streams itself. */
function wrapStreamListeners(server: AppServer, { wrapStream }: ServeOptions): void {
  tolerateResets()
  for (const listener of server.listeners('stream') as StreamListener[]) {
    server.off('stream', listener)
    if (wrapped.has(listener)) server.on('stream', listener)
    else addWrapper(server, 'stream', wrapStream(listener), [listener])
  }
}

/** What our listeners stand for. */
const wrapped = new WeakMap<object, readonly unknown[]>()

function addWrapper(
  server: AppServer,
  event: string,
  wrapper: (...args: never) => unknown,
  own: readonly unknown[] = [],
): void {
  wrapped.set(wrapper, own)
  server.on(event, wrapper as () => void)
}

/** Replaces the listeners by one, so that a request is counted once. */
function wrapListeners<Listener extends (...args: never) => unknown>(
  server: AppServer,
  event: string,
  wrap: (own: readonly Listener[]) => Listener,
): void {
  const present = server.listeners(event) as Listener[]
  if (present.every(listener => wrapped.has(listener))) return
  const own = present.flatMap(listener => (wrapped.get(listener) as readonly Listener[]) ?? [listener])
  server.removeAllListeners(event)
  addWrapper(server, event, wrap(own), own)
}

/** With Reflect, because an Express application has a `bind` of its own, for requests of that method. */
function of(server: AppServer, listener: RequestListener): RequestListener {
  return (req, res) => Reflect.apply(listener, server, [req, res])
}

function inTurn(server: AppServer, own: readonly UpgradeListener[]): UpgradeListener {
  return (...args) => Promise.all(own.map(listener => Reflect.apply(listener, server, args)))
}

function doubleTls(server: AppServer): string {
  return `The app serves with TLS of its own (${shapeOf(server)}), and certfile is set as well: leave out certfile, or let the app make an http.Server`
}

const tracked = new WeakSet<AppServer>()

/** Call before a server gets its first connection. */
export function trackConnections(server: AppServer, connections: Connections): void {
  if (tracked.has(server)) return
  tracked.add(server)
  // First, because the other listeners create HTTP/2 sessions on these sockets.
  server.prependListener('connection', (socket: Socket) => connections.add(socket))
  if (isSecure(server)) {
    server.prependListener('secureConnection', (socket: Socket) => connections.addSecure(socket))
  }
  server.on('session', session => connections.addSession(session))
}
