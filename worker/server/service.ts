/** What the settings put around the application: the access log, the checks, the limits, the readiness path. */
import type { AccessLine } from '../../hooks/access-entry.ts'
import type { HookCaller } from '../../hooks/run.ts'
import type { WorkerView } from '../../hooks/table.ts'
import type { AccessLog } from '../access-log/access-log.ts'
import { openRequestLog } from '../access-log/open.ts'
import type { LoadedApp } from '../app/load.ts'
import type { Connections } from '../connection/connections.ts'
import type { Acceptors } from '../connection/listener-filters.ts'
import type { Front } from '../connection/transport.ts'
import { createBodyGuard } from '../http/body-limit.ts'
import { guarded, guardedStream } from '../http/error-handler.ts'
import type { OnRefused } from '../http/rejection.ts'
import { createInspection, largestHead } from '../http/validation.ts'
import { nameOf } from '../net/peer.ts'
import { createTrust } from '../net/trusted-peers.ts'
import type { WorkerLog } from '../process/log.ts'
import type { InheritedListener, WorkerSettings } from '../protocol/messages.ts'
import { watchRefusals } from './client-errors.ts'
import { withReadiness } from './readiness.ts'
import type { Naming } from './request-id.ts'
import { type RequestParts, wrap } from './request-pipeline.ts'
import { type Serving, serve } from './serve.ts'
import { wrapUpgrade } from './upgrade.ts'

export interface ServiceOptions {
  readonly settings: WorkerSettings
  readonly listeners: readonly InheritedListener[]
  readonly connections: Connections
  readonly hooks: HookCaller
  readonly front: Front | undefined
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
  const onRefused: OnRefused = (socket, { status, why }, response) => {
    accessLog?.refused(socket, status, response)
    log.warning(`Refused a request of ${nameOf(socket)} with ${status}: ${why}`)
  }
  const parts: RequestParts = {
    ...{ connections, accessLog, hooks, worker, log, onRefused },
    inspect: createInspection(settings),
    guardBody: createBodyGuard(settings, onRefused),
    idHeader: settings.request_id_header?.toLowerCase(),
    timeout: settings.request_timeout,
  }
  const { ready_path: path, keepalive, backlog } = settings
  const naming = await namingFor(settings)
  const serving = await serve(app, {
    ...{ listeners, keepalive, backlog, connections },
    headerTimeout: settings.header_timeout,
    largestHead: largestHead(settings),
    front: options.front,
    onClosed: options.onClosed,
    acceptors: await acceptorsFor(options),
    onServer: server => watchRefusals(server, { ...parts, name: naming.request }),
    wrap: app => {
      const whole = path === null ? app : withReadiness(app, path, isReady, connections.record)
      return naming.request(wrap(whole, parts))
    },
    guard: listener => guarded(listener, parts),
    guardStream: listener => guardedStream(listener, parts),
    wrapUpgrade: listener => naming.upgrade(wrapUpgrade(listener, parts)),
  })
  return { serving, accessLog }
}

/** What the settings want between the sockets and the server of HTTP. */
async function acceptorsFor(options: ServiceOptions): Promise<Acceptors | undefined> {
  const { settings, connections, log } = options
  if (settings.proxy_protocol === 'off' && settings.worker_connections === 0) return undefined
  const { createAcceptors } = await import('../connection/listener-filters.ts')
  return createAcceptors(settings, connections, log)
}

/** Gives requests their ids, where that is asked for. */
async function namingFor({
  request_id_header: header,
  forwarded_allow_ips: peers,
}: WorkerSettings): Promise<Naming> {
  if (header === null) return { request: listener => listener, upgrade: listener => listener }
  const { createNaming } = await import('./request-id.ts')
  return createNaming(header, createTrust(peers))
}
