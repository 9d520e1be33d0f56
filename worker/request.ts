/** What happens to every request before the app sees it; what is not asked for is not part of it. */
import type { ServerResponse } from 'node:http'
import type { HookCaller } from '../hooks/run.ts'
import type { WorkerView } from '../hooks/table.ts'
import type { AccessLog } from './access-log.ts'
import type { RequestListener } from './adapters/adapter.ts'
import type { Connections } from './connections.ts'
import type { WorkerLog } from './log.ts'
import { withTimeout } from './request-timeout.ts'

export interface RequestParts {
  readonly connections: Connections
  readonly accessLog: AccessLog | undefined
  readonly hooks: HookCaller
  readonly worker: () => WorkerView
  readonly log: WorkerLog
  /** The setting `request_timeout`, in seconds. */
  readonly timeout: number
}

/** The app's listener with counting, logging and hooks around it. */
export function wrap(app: RequestListener, parts: RequestParts): RequestListener {
  const { connections, accessLog, hooks } = parts
  const hooked = hooks.has('pre_request') ? afterHook(app, parts) : app
  const listener = parts.timeout > 0 ? bounded(hooked, parts) : hooked
  if (hooks.has('post_request')) return withPostRequest(listener, parts)
  if (accessLog === undefined) {
    return (req, res) => {
      connections.began(req, res)
      listener(req, res)
    }
  }
  return (req, res) => {
    connections.began(req, res)
    accessLog.watch(req, res)
    listener(req, res)
  }
}

function withPostRequest(listener: RequestListener, parts: RequestParts): RequestListener {
  const { connections, accessLog, hooks, worker } = parts
  return (req, res) => {
    connections.began(req, res, started => {
      const timing = { duration: (performance.now() - started) / 1_000, finished: res.writableFinished }
      void hooks.tell('post_request', worker(), req, res, timing)
    })
    accessLog?.watch(req, res)
    listener(req, res)
  }
}

function bounded(listener: RequestListener, { connections, log, timeout }: RequestParts): RequestListener {
  return withTimeout(listener, timeout * 1_000, req => {
    connections.countTimeout()
    log.warning(`${req.method} ${req.url} was not answered within request_timeout (${timeout} s)`)
  })
}

function afterHook(app: RequestListener, { hooks, worker, log }: RequestParts): RequestListener {
  return (req, res) => {
    hooks.call('pre_request', worker(), req).then(
      () => app(req, res),
      (error: Error) => {
        log.error(error.message)
        refuse(res)
      },
    )
  }
}

function refuse(res: ServerResponse): void {
  if (res.headersSent) return void res.destroy()
  res.writeHead(500, { 'Content-Type': 'text/plain; charset=utf-8' }).end('Internal Server Error\n')
}
