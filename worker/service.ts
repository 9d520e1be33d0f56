/** What the settings put around the application: the access log, the checks, the limits, the readiness path. */

import type { AccessLine } from '../hooks/access-entry.ts'
import type { HookCaller } from '../hooks/run.ts'
import type { WorkerView } from '../hooks/table.ts'
import type { Acceptors } from './acceptors.ts'
import type { AccessLog } from './access-log.ts'
import type { LoadedApp, RequestListener } from './app.ts'
import { guarded } from './app-failure.ts'
import type { Connections } from './connections.ts'
import type { Front } from './front.ts'
import { createInspection, largestHead } from './inspection.ts'
import type { WorkerLog } from './log.ts'
import type { InheritedListener, WorkerSettings } from './protocol.ts'
import { withReadiness } from './readiness.ts'
import { watchRefusals } from './refusal.ts'
import { type RequestParts, wrap } from './request.ts'
import { openRequestLog } from './request-log.ts'
import { type Serving, serve } from './serve.ts'
import { createTrust } from './trust.ts'
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
}

export interface Service {
  readonly serving: Serving
  readonly accessLog: AccessLog | undefined
}

/** Serves the app. Rejects with `LogFailed` or `BindFailed`. */
export async function startService(app: LoadedApp, options: ServiceOptions): Promise<Service> {
  const { settings, listeners, connections, hooks, log, worker, isReady } = options
  const accessLog = await openRequestLog(settings, options.lineFormat, log)
  const parts: RequestParts = {
    ...{ connections, accessLog, hooks, worker, log },
    inspect: createInspection(settings),
    largestBody: settings.limit_request_body,
    timeout: settings.request_timeout,
    onRefused: (socket, { status, why }, response) => {
      accessLog?.refused(socket, status, response)
      log.warning(`Refused a request of ${socket.remoteAddress ?? 'a unix socket'} with ${status}: ${why}`)
    },
  }
  const { ready_path: path, keepalive, backlog } = settings
  const name = await namer(settings)
  const serving = await serve(app, {
    ...{ listeners, keepalive, backlog, connections },
    headerTimeout: settings.header_timeout,
    largestHead: largestHead(settings),
    front: options.front,
    acceptors: await acceptorsFor(options),
    onServer: server => watchRefusals(server, parts),
    wrap: app => name(wrap(path === null ? app : withReadiness(app, path, isReady), parts)),
    guard: listener => guarded(listener, { log, idHeader: settings.request_id_header }),
    wrapUpgrade: listener => wrapUpgrade(listener, parts),
  })
  return { serving, accessLog }
}

/** What the settings want between the sockets and the server of HTTP. */
async function acceptorsFor(options: ServiceOptions): Promise<Acceptors | undefined> {
  const { settings, connections, log } = options
  if (settings.proxy_protocol === 'off' && settings.worker_connections === 0) return undefined
  const { createAcceptors } = await import('./acceptors.ts')
  return createAcceptors(settings, connections, log)
}

/** Gives requests their ids, where that is asked for. */
async function namer({ request_id_header: header, forwarded_allow_ips: peers }: WorkerSettings) {
  if (header === null) return (listener: RequestListener) => listener
  const { withRequestId } = await import('./request-id.ts')
  return (listener: RequestListener) => withRequestId(listener, header, createTrust(peers))
}
