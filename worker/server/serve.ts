/** Serves the app on the inherited sockets. */
import { createServer, type Server } from 'node:http'
import type net from 'node:net'
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
import { emptyQueues } from '../listen/empty-queues.ts'
import { AppError } from '../protocol/boot-error.ts'
import type { InheritedListener } from '../protocol/messages.ts'

export { stopListening }

export interface ServeOptions {
  readonly listeners: readonly InheritedListener[]
  /** Seconds that an idle connection is kept. */
  readonly keepalive: number
  readonly backlog: number
  readonly connections: Connections
  /** What happens to each request around the app, and to what a listener of the app throws. */
  readonly wrap: (app: RequestListener) => RequestListener
  readonly guard: (listener: RequestListener) => RequestListener
  readonly guardStream: (listener: StreamListener) => StreamListener
  /** The same for what leaves HTTP; refused where there is no listener. */
  readonly wrapUpgrade: (listener?: UpgradeListener) => UpgradeListener
  /** Sees each server that speaks HTTP. */
  readonly onServer: (server: AppServer) => void
  /** Seconds for the head of a request, 0 is no limit; and the most bytes of one. */
  readonly headerTimeout: number
  readonly largestHead: number
  /** Makes the servers that accept connections, where the server of HTTP is not to do it itself. */
  readonly listenerFilter: ListenerFilter | undefined
  /** The app closed a server that it told to listen. */
  readonly onClosed: () => void
  /** What stands before each server, where TLS or HTTP/2 is wanted. */
  readonly transport: Transport | undefined
}

/** Something that accepts from one inherited socket. */
interface AcceptingServer {
  readonly listener: InheritedListener
  readonly server: net.Server
}

export interface Serving {
  /** A server of the app is about to listen; false when nothing new is taken any more. */
  add(one: InterceptedServer): boolean
  /** Takes nothing new; what the kernel has queued on the abandoned descriptors is taken first. */
  stopAccepting(abandoned: readonly number[]): Promise<void>
  /** The servers of the app close, those that the app has not closed itself. */
  close(): Promise<void>
}

/** Rejects with `BindFailed` when somebody else listens on one of the addresses. */
export async function serve(app: LoadedApp, options: ServeOptions): Promise<Serving> {
  const { listeners, backlog } = options
  const { intercepted } = app
  const acceptors: AcceptingServer[] = [...intercepted]
  const ofApp = new Set(intercepted.map(({ server }) => server))
  if (app.server !== undefined) ofApp.add(app.server)
  for (const one of ofApp) wrapServer(one, options)
  const server = app.server ?? createOwnServer(app, options)
  for (const one of new Set([...ofApp, server])) options.onServer(one)
  for (const listener of listeners) {
    if (acceptors.some(acceptor => acceptor.listener === listener)) continue
    if (app.awaited?.includes(listener)) continue
    const isFree = !server.listening && acceptors.every(acceptor => acceptor.server !== server)
    const { listenerFilter } = options
    const accepting = listenerFilter?.(server) ?? (isFree ? server : createForwarder(server))
    await listen(accepting, listener, backlog)
    acceptors.push({ listener, server: accepting })
  }
  const closers: (() => void)[] = []
  let isStopping = false
  const watch = (one: AppServer) => {
    ofApp.add(one)
    one.once('close', () => {
      ofApp.delete(one)
      options.onClosed()
    })
  }
  for (const one of ofApp) watch(one)
  return {
    add(one) {
      if (isStopping) return false
      options.onServer(wrapServer(one.server, options))
      acceptors.push(one)
      watch(one.server)
      return true
    },
    async stopAccepting(abandoned) {
      isStopping = true
      const isLeft = ({ fd, reuse_port }: InheritedListener) => reuse_port || abandoned.includes(fd)
      const left = acceptors.filter(({ listener }) => isLeft(listener)).map(({ server }) => server)
      if (left.length > 0) await emptyQueues(left)
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
  const { keepalive, connections, wrap, guard, wrapUpgrade, headerTimeout, largestHead } = options
  const listener = wrap(guard(app.listener as RequestListener))
  const own = {
    maxHeaderSize: largestHead,
    connectionsCheckingInterval: connectionsCheckMs,
    // Refused here as everything else is, with a word for the log.
    requireHostHeader: false,
  }
  const server = createServer(own, listener)
  server.on(
    'checkContinue',
    withLazyContinue(listener, () => connections.mayKeepAlive),
  )
  // With 0, each answer ends its connection, and Node would take it for no limit.
  if (keepalive > 0) server.keepAliveTimeout = keepalive * 1_000
  // The limit of the parser would cut off the rest without a word.
  server.maxHeadersCount = 0
  server.headersTimeout = headerTimeout * 1_000
  server.requestTimeout = 0
  if (app.upgrade !== undefined) server.on('upgrade', wrapUpgrade(app.upgrade))
  server.on('connect', wrapUpgrade())
  options.transport?.attach(server, app.listener)
  trackConnections(server, connections)
  return server
}

/** How often Node looks for requests that take too long to arrive, in milliseconds. */
const connectionsCheckMs = 1_000

/** What Node closes idle connections after when nobody says otherwise, in milliseconds. */
const nodeKeepAliveMs = 5_000

/** Puts what happens to every request around the listeners that the app's own server has. */
function wrapServer(server: AppServer, options: ServeOptions): AppServer {
  const { keepalive, connections, wrapUpgrade, transport } = options
  if (transport?.hasTls && isSecure(server)) throw new AppError(doubleTls(server))
  transport?.attach(server)
  for (const event of ['request', 'checkContinue', 'checkExpectation'] as const)
    wrapListeners(server, event, options)
  // Over HTTP/2, both are left to Node.
  if (isHttp2(server)) wrapStreamListeners(server, options)
  else wrapHttp1Events(server, options)
  const upgrade = takeListeners(server, 'upgrade')
  if (upgrade !== undefined) server.on('upgrade', wrapUpgrade(upgrade))
  if (keepalive > 0 && 'keepAliveTimeout' in server && server.keepAliveTimeout === nodeKeepAliveMs) {
    server.keepAliveTimeout = keepalive * 1_000
  }
  if (!server.listening) trackConnections(server, connections)
  return server
}

/** `Expect: 100-continue` and CONNECT. */
function wrapHttp1Events(server: AppServer, { connections, wrapUpgrade }: ServeOptions): void {
  const [listener] = server.listeners('request') as RequestListener[]
  // Of older Nodes, the limit drops the rest without a word, and nothing here could refuse it.
  if ('maxHeadersCount' in server) server.maxHeadersCount ??= 0
  const mayStay = () => connections.mayKeepAlive
  if (listener !== undefined && server.listenerCount('checkContinue') === 0)
    server.on('checkContinue', withLazyContinue(listener, mayStay))
  server.on('connect', wrapUpgrade(takeListeners(server, 'connect')))
}

/** An app may listen for the streams of HTTP/2 themselves. */
function wrapStreamListeners(server: AppServer, { guardStream }: ServeOptions): void {
  tolerateResets()
  const own = server.listeners('stream') as StreamListener[]
  server.removeAllListeners('stream')
  for (const listener of own) server.on('stream', guardStream(listener))
}

/** All of them as one, so that a connection is counted once. */
function takeListeners(server: AppServer, event: 'upgrade' | 'connect'): UpgradeListener | undefined {
  const own = server.listeners(event) as UpgradeListener[]
  server.removeAllListeners(event)
  if (own.length === 0) return undefined
  return (...args) => Promise.all(own.map(listener => Reflect.apply(listener, server, args)))
}

/** In the place of the listeners comes one, so that a request is counted once. */
function wrapListeners(
  server: AppServer,
  event: 'request' | 'checkContinue' | 'checkExpectation',
  { wrap, guard }: ServeOptions,
): void {
  const own = server.listeners(event) as RequestListener[]
  if (own.length === 0) return
  server.removeAllListeners(event)
  // By way of Reflect: an Express application has a `bind` of its own, for requests of that verb.
  const listeners = own.map(listener => guard((req, res) => Reflect.apply(listener, server, [req, res])))
  server.on(
    event,
    wrap((req, res) => {
      for (const listener of listeners) listener(req, res)
    }),
  )
}

function doubleTls(server: AppServer): string {
  return `The app serves with TLS of its own (${shapeOf(server)}), and certfile is set as well: leave out certfile, or let the app make an http.Server`
}

/** To be called before a server takes its first connection. */
export function trackConnections(server: AppServer, connections: Connections): void {
  // First of all: what else listens makes sessions of HTTP/2 on these sockets.
  server.prependListener('connection', (socket: Socket) => connections.add(socket))
  if (isSecure(server)) {
    server.prependListener('secureConnection', (socket: Socket) => connections.addSecure(socket))
  }
  server.on('session', session => connections.addSession(session))
}
