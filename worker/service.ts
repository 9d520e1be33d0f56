/** What the settings put around the application: the access log, the checks, the limits, the readiness path. */
import type { Socket } from 'node:net'
import type { HookCaller } from '../hooks/run.ts'
import type { WorkerView } from '../hooks/table.ts'
import type { AccessLog } from './access-log.ts'
import type { LoadedApp } from './app.ts'
import { LogFailed } from './app-error.ts'
import type { Connections } from './connections.ts'
import type { Front } from './front.ts'
import { createInspection, largestHead, type Refusal } from './inspection.ts'
import type { WorkerLog } from './log.ts'
import type { InheritedListener, WorkerSettings } from './protocol.ts'
import { withReadiness } from './readiness.ts'
import { watchRefusals } from './refusal.ts'
import { type RequestParts, wrap } from './request.ts'
import { type Serving, serve } from './serve.ts'
import { wrapUpgrade } from './upgrade.ts'

export interface ServiceOptions {
  readonly settings: WorkerSettings
  readonly listeners: readonly InheritedListener[]
  readonly connections: Connections
  readonly hooks: HookCaller
  readonly log: WorkerLog
  readonly worker: () => WorkerView
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
  const accessLog = await openLog(settings, log)
  const parts: RequestParts = {
    ...{ connections, accessLog, hooks, worker, log },
    inspect: createInspection(settings),
    largestBody: settings.limit_request_body,
    timeout: settings.request_timeout,
    onRefused: (socket: Socket, { status, why }: Refusal) => {
      log.warning(`Refused a request of ${socket.remoteAddress ?? 'a unix socket'} with ${status}: ${why}`)
    },
  }
  const { ready_path: path, keepalive, backlog } = settings
  const serving = await serve(app, {
    ...{ listeners, keepalive, backlog, connections },
    headerTimeout: settings.header_timeout,
    largestHead: largestHead(settings),
    front: await frontFor(options),
    onServer: server => watchRefusals(server, parts),
    wrap: app => wrap(path === null ? app : withReadiness(app, path, isReady), parts),
    wrapUpgrade: listener => wrapUpgrade(listener, parts),
  })
  return { serving, accessLog }
}

async function openLog(settings: WorkerSettings, log: WorkerLog): Promise<AccessLog | undefined> {
  const { accesslog, access_log_format } = settings
  if (accesslog === null) return undefined
  const { openAccessLog } = await import('./access-log.ts')
  const onError = (message: string) => log.error(message)
  try {
    return await openAccessLog({ accesslog, access_log_format, onError })
  } catch (error) {
    throw new LogFailed((error as Error).message, { cause: error })
  }
}

/** What the settings want between the sockets and the server of HTTP. */
async function frontFor({ settings, connections, log }: ServiceOptions): Promise<Front | undefined> {
  if (settings.proxy_protocol === 'off' && settings.worker_connections === 0) return undefined
  const { createFront } = await import('./front.ts')
  return createFront(settings, connections, log)
}
