/** Starts serving: builds everything around the app from the settings. */
import type { AccessLine } from '../../hooks/access-entry.ts'
import type { HookCaller } from '../../hooks/run.ts'
import type { WorkerView } from '../../hooks/table.ts'
import type { AccessLog } from '../access-log/access-log.ts'
import { openRequestLog } from '../access-log/open.ts'
import type { LoadedApp } from '../app/load.ts'
import { checkTlsOf, type PlainServers } from '../app-servers/plain-servers.ts'
import type { Balance } from '../balance/balance.ts'
import type { Connections } from '../connection/connections.ts'
import type { ListenerFilter } from '../connection/listener-filters.ts'
import type { Transport } from '../connection/transport.ts'
import { createBodyLimit } from '../http/body-limit.ts'
import { withStreamErrorHandler } from '../http/error-handler.ts'
import type { OnRejected } from '../http/rejection.ts'
import { createRequestTimeouts, type RequestTimeouts } from '../http/request-timeout.ts'
import { createValidator, maxHeadBytes } from '../http/validation.ts'
import { describePeer } from '../net/peer.ts'
import { createTrust } from '../net/trusted-peers.ts'
import type { WorkerLog } from '../process/log.ts'
import type { InheritedListener, Start, WorkerSettings } from '../protocol/messages.ts'
import type { Turns } from '../sync/turns.ts'
import { handleClientErrors } from './client-errors.ts'
import { createRewriter, type Rewrite } from './header-rewriting.ts'
import { closeSilent } from './idle.ts'
import { createReadiness } from './readiness.ts'
import type { RequestIds } from './request-id.ts'
import { createPipeline, type PipelineParts } from './request-pipeline.ts'
import { createMount } from './root-path.ts'
import { type ServeOptions, type Serving, serve } from './serve.ts'
import { wrapUpgrade } from './upgrade.ts'

export interface ServiceOptions {
  readonly settings: WorkerSettings
  readonly listeners: readonly InheritedListener[]
  readonly scoreboard: Start['scoreboard']
  readonly connections: Connections
  readonly hooks: HookCaller
  readonly transport: Transport | undefined
  readonly log: WorkerLog
  readonly worker: () => WorkerView
  readonly lineFormat: string | AccessLine
  /** Between the sockets and the HTTP servers, where filters are configured. */
  readonly listenerFilter: ListenerFilter | undefined
  readonly plain: PlainServers
  /** What `ready_path` reports. */
  readonly isReady: () => boolean
  /** See `ServeOptions`. */
  readonly onClosed: ServeOptions['onClosed']
}

export interface Service {
  readonly serving: Serving
  readonly accessLog: AccessLog | undefined
}

/** Rejects with `LogFailed` or `BindFailed`. */
export async function startService(app: LoadedApp, options: ServiceOptions): Promise<Service> {
  const { settings, listeners, connections, hooks, log, worker, isReady } = options
  checkTlsOf(app, options.transport, log)
  const accessLog = await openRequestLog(settings, options.lineFormat, log)
  const onRejected: OnRejected = (socket, { status, why }, response) => {
    connections.count('refused')
    accessLog?.rejected(socket, status, response)
    log.warning(`Refused a request of ${describePeer(socket)} with ${status}: ${why}`)
  }
  const { ready_path: path, keepalive, backlog } = settings
  const parts: PipelineParts = {
    ...{ connections, accessLog, hooks, worker, log, onRejected },
    requestIds: await requestIdsFor(settings),
    validate: createValidator(settings),
    rewrite: rewriterFor(settings),
    limitBody: createBodyLimit(settings, onRejected),
    timeouts: timeoutsFor(options),
    readiness: path === null ? undefined : createReadiness(path, isReady, connections.record),
    idHeader: settings.request_id_header?.toLowerCase(),
  }
  const balance = await balanceFor(options)
  connections.balance = balance
  const serving = await serve(app, {
    ...{ listeners, keepalive, backlog, connections, balance },
    headerTimeout: settings.header_timeout,
    maxHeadBytes: maxHeadBytes(settings),
    transport: options.transport,
    onClosed: options.onClosed,
    listenerFilter: options.listenerFilter,
    plain: options.plain,
    onServer: server => handleClientErrors(server, parts),
    pipeline: createPipeline(parts),
    wrapStream: listener => withStreamErrorHandler(listener, parts),
    wrapUpgrade: listener => {
      const wrapped = wrapUpgrade(listener, parts)
      return parts.requestIds?.upgrade(wrapped) ?? wrapped
    },
  })
  return { serving: app.onDrain === undefined ? serving : withDrain(serving, app.onDrain), accessLog }
}

function withDrain(serving: Serving, onDrain: () => void): Serving {
  return {
    ...serving,
    async stopAccepting(abandoned, by) {
      await serving.stopAccepting(abandoned, by)
      onDrain()
    },
  }
}

/** Undefined where nothing is evened out. */
async function balanceFor({
  settings,
  connections,
  listeners,
  scoreboard,
}: ServiceOptions): Promise<Balance | undefined> {
  const isShared = listeners.some(({ reuse_port }) => !reuse_port)
  if (settings.balance === 'off' || connections.turns !== undefined || !isShared) return undefined
  const [{ Balance }, { readLoads }] = await Promise.all([
    import('../balance/balance.ts'),
    import('../balance/loads.ts'),
  ])
  const { record } = connections
  return new Balance({
    byRequests: settings.balance === 'requests',
    record,
    readLoads: () => readLoads(scoreboard, record),
  })
}

/** Undefined where no filter is configured. */
export async function listenerFilterFor(
  settings: WorkerSettings,
  connections: Connections,
  log: WorkerLog,
): Promise<ListenerFilter | undefined> {
  if (settings.worker_class === 'sync') connections.turns = await turnsFor(settings, connections, log)
  else if (settings.proxy_protocol === 'off' && settings.worker_connections === 0) return undefined
  const { createListenerFilter } = await import('../connection/listener-filters.ts')
  return createListenerFilter(settings, connections, log)
}

/**
 * A Python application gets its `SCRIPT_NAME` in another way. A variable of that name changes nothing here: with
 * `node app.js` it would not.
 */
function rewriterFor(settings: WorkerSettings): Rewrite {
  const rewrite = createRewriter(settings)
  if (settings.worker_class === 'wsgi') return rewrite
  const mount = createMount(settings.root_path, settings)
  if (mount === undefined) return rewrite
  return req => {
    rewrite(req)
    mount(req)
  }
}

async function turnsFor(settings: WorkerSettings, connections: Connections, log: WorkerLog): Promise<Turns> {
  const { Turns } = await import('../sync/turns.ts')
  return new Turns({
    limit: requestLimit(settings),
    headerTimeout: settings.header_timeout,
    log,
    isPlain: socket => connections.stateOf(socket)?.isPlain === true,
    onWaiting: socket => connections.add(socket),
    closeSilent: () => closeSilent(connections, performance.now()),
  })
}

/** In seconds: as in Gunicorn, `timeout` bounds requests where a worker serves one at a time. */
function requestLimit({ request_timeout, timeout, worker_class }: WorkerSettings): number {
  return request_timeout === 0 && worker_class === 'sync' ? timeout : request_timeout
}

/** Undefined where `request_timeout` is not set, or is up to the kind of worker. */
function timeoutsFor({ settings, connections, log }: ServiceOptions): RequestTimeouts | undefined {
  const { request_timeout, worker_class } = settings
  const limit = requestLimit(settings)
  if (limit === 0 || worker_class === 'wsgi') return undefined
  const name = request_timeout === 0 ? 'timeout' : 'request_timeout'
  return createRequestTimeouts(limit * 1_000, req => {
    connections.count('timeouts')
    log.warning(`${req.method} ${req.url} was not answered within ${name} (${limit} s)`)
    connections.turns?.leave(`a request was not answered within ${name}`)
  })
}

/** Undefined where `request_id_header` is not set. */
async function requestIdsFor({
  request_id_header: header,
  forwarded_allow_ips: peers,
}: WorkerSettings): Promise<RequestIds | undefined> {
  if (header === null) return undefined
  const { createRequestIds } = await import('./request-id.ts')
  return createRequestIds(header, createTrust(peers))
}
