/** Serves the app on the inherited sockets, with its own servers or with one of tsicorn. */
import { createServer, type Server } from 'node:http'
import type { Server as PlainServer } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { isAppServer } from '../app/adapters/server.ts'
import type { AppServer, LoadedApp, RequestListener } from '../app/load.ts'
import type { PlainServers } from '../app-servers/plain-servers.ts'
import { trackConnections, type WrapOptions, wrapServer } from '../app-servers/wrap-server.ts'
import type { Balance } from '../balance/balance.ts'
import type { ListenerFilter } from '../connection/listener-filters.ts'
import type { Transport } from '../connection/transport.ts'
import { withLazyContinue } from '../http/expect-continue.ts'
import { createForwarder, listen, stopListening } from '../listen/accepting.ts'
import { deferClose } from '../listen/app-server.ts'
import type { InterceptedServer } from '../listen/claims.ts'
import { type AcceptingServer, emptyQueues } from '../listen/empty-queues.ts'
import type { InheritedListener } from '../protocol/messages.ts'
import { fieldIndex } from '../protocol/scoreboard.ts'

export interface ServeOptions extends WrapOptions {
  readonly listeners: readonly InheritedListener[]
  readonly backlog: number
  /** Called for each HTTP server. */
  readonly onServer: (server: AppServer) => void
  /** How long the head of a request may take, in seconds; 0 is no limit. */
  readonly headerTimeout: number
  readonly maxHeadBytes: number
  /** Where connections are filtered. */
  readonly listenerFilter: ListenerFilter | undefined
  /** Knows the app's servers that are no HTTP servers. */
  readonly plain: PlainServers
  /** Evens out connections between the workers, where that is wanted. */
  readonly balance: Balance | undefined
  /** Called when the app closes its main server, or one that it started later, and no other listens in its place. */
  readonly onClosed: (listener: InheritedListener | undefined) => void
}

export interface Serving {
  /** Adds a server of the app that is about to listen; false when the worker no longer accepts. */
  add(one: InterceptedServer): boolean
  /** Stops accepting, after taking the connections that are queued on the abandoned descriptors. */
  stopAccepting(abandoned: readonly number[], by: number): Promise<void>
  /** Closes the servers of the app that it has not closed itself. */
  close(): Promise<void>
}

const accepts = fieldIndex('accepts')

/** Rejects with `BindFailed` when another process listens on one of the addresses. */
export async function serve(app: LoadedApp, options: ServeOptions): Promise<Serving> {
  const { listeners, backlog, listenerFilter, plain } = options
  let acceptors: readonly AcceptingServer[] = [...app.intercepted]
  const ofApp = new Set<PlainServer>(app.intercepted.map(({ server }) => server))
  if (app.server !== undefined) ofApp.add(app.server)
  const prepared = new WeakSet<AppServer>()
  const prepareHttp = (one: AppServer, transport?: Transport) => {
    // Each time, since it may have got other listeners.
    wrapServer(one, { ...options, transport })
    if (!prepared.has(one)) options.onServer(one)
    prepared.add(one)
  }
  const prepare = (one: PlainServer) => {
    if (isAppServer(one)) prepareHttp(one, options.transport)
    else plain.add(one)
  }
  for (const one of ofApp) prepare(one)
  const server = app.server ?? createOwnServer(app, options)
  plain.serve(one => {
    if (one !== server && !prepared.has(one)) prepareHttp(one)
  })
  if (app.server === undefined) options.onServer(server as AppServer)
  /** The app may replace it. */
  let main: PlainServer = server
  for (const listener of listeners) {
    const isTaken = acceptors.some(acceptor => acceptor.listener === listener)
    if (isTaken || app.awaited?.includes(listener)) continue
    const isFree = !server.listening && acceptors.every(acceptor => acceptor.server !== server)
    // Where the server listens itself, Node watches how long heads take.
    if (isFree) listenerFilter?.install(server)
    const forwarder = () => listenerFilter?.front(server, () => main) ?? createForwarder(() => main)
    const front = isFree ? server : forwarder()
    await listen(front, listener, backlog)
    acceptors = [...acceptors, { listener, server: front }]
  }
  const { record } = options.connections
  const share = ({ listener, server: one }: AcceptingServer) => {
    if (!listener.reuse_port) options.balance?.add(one)
  }
  for (const acceptor of acceptors) share(acceptor)
  record[accepts] = 1
  const closers: (() => void)[] = []
  let isStopping = false
  const listenersOf = (one: PlainServer) =>
    acceptors.filter(acceptor => acceptor.server === one).map(({ listener }) => listener)
  const watch = (one: PlainServer, isNeeded: boolean) => {
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
      if (!isAppServer(one.server)) plain.add(one.server)
      listenerFilter?.install(one.server)
      prepare(one.server)
      if (listenersOf(main).includes(one.listener)) main = one.server
      const isLeft = ({ listener, server: other }: AcceptingServer) =>
        listener !== one.listener || (other !== one.server && other.listening)
      acceptors = [...acceptors.filter(isLeft), one]
      share(one)
      watch(one.server, true)
      return true
    },
    async stopAccepting(abandoned, by) {
      isStopping = true
      record[accepts] = 0
      options.balance?.stop()
      await emptyQueues(acceptors, abandoned, by, options.connections.turns)
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
