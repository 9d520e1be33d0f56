/** What the settings put around the application: the access log, the checks, the limits, the readiness path. */
import type { AccessLine } from '../../hooks/access-entry.ts'
import type { HookCaller } from '../../hooks/run.ts'
import type { WorkerView } from '../../hooks/table.ts'
import type { AccessLog } from '../access-log/access-log.ts'
import { openRequestLog } from '../access-log/open.ts'
import type { LoadedApp } from '../app/load.ts'
import type { Connections } from '../connection/connections.ts'
import type { ListenerFilter } from '../connection/listener-filters.ts'
import type { Transport } from '../connection/transport.ts'
import { createBodyLimit } from '../http/body-limit.ts'
import { withErrorHandler, withStreamErrorHandler } from '../http/error-handler.ts'
import type { OnRejected } from '../http/rejection.ts'
import { createValidator, maxHeadBytes } from '../http/validation.ts'
import { describePeer } from '../net/peer.ts'
import { createTrust } from '../net/trusted-peers.ts'
import type { WorkerLog } from '../process/log.ts'
import type { InheritedListener, WorkerSettings } from '../protocol/messages.ts'
import { handleClientErrors } from './client-errors.ts'
import { withReadiness } from './readiness.ts'
import type { RequestIds } from './request-id.ts'
import { type RequestParts, wrap } from './request-pipeline.ts'
import { type Serving, serve } from './serve.ts'
import { wrapUpgrade } from './upgrade.ts'

export interface ServiceOptions {
  readonly settings: WorkerSettings
  readonly listeners: readonly InheritedListener[]
  readonly connections: Connections
  readonly hooks: HookCaller
  readonly transport: Transport | undefined
  readonly log: WorkerLog
  readonly worker: () => WorkerView
  readonly lineFormat: string | AccessLine
  /** What `ready_path` says. */
  readonly isReady: () => boolean
  /** The app closed a server of its own. */
  readonly onClosed: () => void
}

export interface Service {
  readonly serving: Serving
  readonly accessLog: AccessLog | undefined
}

/** Serves the app. Rejects with `LogFailed` or `BindFailed`. */
export async function startService(app: LoadedApp, options: ServiceOptions): Promise<Service> {
  const { settings, listeners, connections, hooks, log, worker, isReady } = options
  const accessLog = await openRequestLog(settings, options.lineFormat, log)
  const onRejected: OnRejected = (socket, { status, why }, response) => {
    accessLog?.rejected(socket, status, response)
    log.warning(`Refused a request of ${describePeer(socket)} with ${status}: ${why}`)
  }
  const parts: RequestParts = {
    ...{ connections, accessLog, hooks, worker, log, onRejected },
    validate: createValidator(settings),
    limitBody: createBodyLimit(settings, onRejected),
    idHeader: settings.request_id_header?.toLowerCase(),
    timeout: settings.request_timeout,
  }
  const { ready_path: path, keepalive, backlog } = settings
  const naming = await requestIdsFor(settings)
  const serving = await serve(app, {
    ...{ listeners, keepalive, backlog, connections },
    headerTimeout: settings.header_timeout,
    largestHead: maxHeadBytes(settings),
    transport: options.transport,
    onClosed: options.onClosed,
    listenerFilter: await listenerFilterFor(options),
    onServer: server => handleClientErrors(server, { ...parts, name: naming.request }),
    wrap: app => {
      const whole = path === null ? app : withReadiness(app, path, isReady, connections.record)
      return naming.request(wrap(whole, parts))
    },
    guard: listener => withErrorHandler(listener, parts),
    guardStream: listener => withStreamErrorHandler(listener, parts),
    wrapUpgrade: listener => naming.upgrade(wrapUpgrade(listener, parts)),
  })
  return { serving, accessLog }
}

/** What the settings want between the sockets and the server of HTTP. */
async function listenerFilterFor(options: ServiceOptions): Promise<ListenerFilter | undefined> {
  const { settings, connections, log } = options
  if (settings.proxy_protocol === 'off' && settings.worker_connections === 0) return undefined
  const { createListenerFilter } = await import('../connection/listener-filters.ts')
  return createListenerFilter(settings, connections, log)
}

/** Gives requests their ids, where that is asked for. */
async function requestIdsFor({
  request_id_header: header,
  forwarded_allow_ips: peers,
}: WorkerSettings): Promise<RequestIds> {
  if (header === null) return { request: listener => listener, upgrade: listener => listener }
  const { createRequestIds } = await import('./request-id.ts')
  return createRequestIds(header, createTrust(peers))
}
