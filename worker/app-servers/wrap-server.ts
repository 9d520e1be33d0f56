/** Puts the pipeline in front of the listeners of a server that the app has made, and tracks its connections. */
import type { Socket } from 'node:net'
import { isHttp2, isSecure, shapeOf, takeListeners } from '../app/adapters/server.ts'
import type { AppServer, RequestListener } from '../app/load.ts'
import type { Connections } from '../connection/connections.ts'
import type { Transport } from '../connection/transport.ts'
import { withLazyContinue } from '../http/expect-continue.ts'
import { tolerateResets } from '../http/http2-response.ts'
import type { StreamListener, UpgradeListener } from '../http/types.ts'
import { AppError } from '../protocol/boot-error.ts'
import { endEarlyTracking } from './early-servers.ts'

export interface WrapOptions {
  /** How long an idle connection is kept, in seconds. */
  readonly keepalive: number
  readonly connections: Connections
  /** Everything around the listeners of the app, which all get each request. */
  readonly pipeline: (...listeners: RequestListener[]) => RequestListener
  readonly wrapStream: (listener: StreamListener) => StreamListener
  /** Rejects upgrades where there is no listener. */
  readonly wrapUpgrade: (listener?: UpgradeListener) => UpgradeListener
  /** TLS and HTTP/2, where they are configured. */
  readonly transport: Transport | undefined
}

/** Node's default `keepAliveTimeout`, in milliseconds. */
const nodeKeepAliveMs = 5_000

/** Listeners that the server gets later are wrapped as well. */
export function wrapServer(server: AppServer, options: WrapOptions): void {
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
  wrapLater(server, options)
}

const wrappedEvents = new Set([
  'request',
  'checkContinue',
  'checkExpectation',
  'upgrade',
  'connect',
  'stream',
])

const wrappedLater = new WeakSet<AppServer>()

/** An app may add a listener, or put another in the place of those that it has, when it listens already. */
function wrapLater(server: AppServer, options: WrapOptions): void {
  if (wrappedLater.has(server)) return
  wrappedLater.add(server)
  server.on('newListener', (event: string, listener: object) => {
    // By then, it is one of them.
    if (wrappedEvents.has(event) && !wrapped.has(listener)) process.nextTick(wrapServer, server, options)
  })
}

/** `Expect: 100-continue` and CONNECT. */
function wrapHttp1Events(server: AppServer, { connections, wrapUpgrade }: WrapOptions): void {
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
function wrapStreamListeners(server: AppServer, { wrapStream }: WrapOptions): void {
  tolerateResets()
  for (const listener of takeListeners(server, 'stream') as StreamListener[]) {
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
  takeListeners(server, event)
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
  if (connections.turns !== undefined && 'maxRequestsPerSocket' in server) server.maxRequestsPerSocket = 1
  // First, because the other listeners create HTTP/2 sessions on these sockets.
  server.prependListener('connection', (socket: Socket) => connections.add(socket))
  if (isSecure(server)) {
    server.prependListener('secureConnection', (socket: Socket) => connections.addSecure(socket))
  }
  server.on('session', session => connections.addSession(session))
}
