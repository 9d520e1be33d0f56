/** What happens to every request before the app sees it; what is not asked for is not part of it. */
import type { HookCaller } from '../../hooks/run.ts'
import type { WorkerView } from '../../hooks/table.ts'
import type { AccessLog } from '../access-log/access-log.ts'
import type { Connections } from '../connection/connections.ts'
import type { LimitBody } from '../http/body-limit.ts'
import { respondWithError } from '../http/error-handler.ts'
import { isRejected, type OnRejected, reject } from '../http/rejection.ts'
import { withTimeout } from '../http/request-timeout.ts'
import { isClientGone, isComplete } from '../http/response.ts'
import type { RequestListener } from '../http/types.ts'
import { isHttp2Request, type Validate } from '../http/validation.ts'
import type { WorkerLog } from '../process/log.ts'

export interface RequestParts {
  readonly connections: Connections
  readonly accessLog: AccessLog | undefined
  readonly hooks: HookCaller
  readonly worker: () => WorkerView
  readonly log: WorkerLog
  readonly validate: Validate
  readonly onRejected: OnRejected
  readonly limitBody: LimitBody
  /** The setting `request_id_header`, in small letters: answers to failures keep it. */
  readonly idHeader: string | undefined
  /** The setting `request_timeout`, in seconds. */
  readonly timeout: number
}

/** The app's listener with counting, logging and hooks around it. */
export function wrap(app: RequestListener, parts: RequestParts): RequestListener {
  const hooked = parts.hooks.has('pre_request') ? afterHook(app, parts) : app
  const limited = parts.timeout > 0 ? bounded(hooked, parts) : hooked
  const counted = observed(inspected(patient(limited, parts), parts), parts)
  return (req, res) => {
    // What comes after a refused request or a last answer on its connection is nobody's.
    if (!isRejected(req.socket) && !parts.connections.isAfterLastResponse(req)) counted(req, res)
  }
}

/**
 * While connections end, the app waits until all requests that came in one piece are known: the answer to the newest of
 * them is the last one, and a quick answer to the first would leave the others without one.
 */
function patient(listener: RequestListener, { connections }: RequestParts): RequestListener {
  return (req, res) => {
    if (connections.mayKeepAlive) listener(req, res)
    else process.nextTick(listener, req, res)
  }
}

/** Counts requests and logs them. */
function observed(listener: RequestListener, parts: RequestParts): RequestListener {
  const { connections, accessLog, hooks } = parts
  if (hooks.has('post_request')) return withPostRequest(listener, parts)
  if (accessLog === undefined) {
    return (req, res) => {
      connections.trackRequest(req, res)
      listener(req, res)
    }
  }
  return (req, res) => {
    connections.trackRequest(req, res)
    accessLog.watch(req, res)
    listener(req, res)
  }
}

/** What is not for the app is refused. */
function inspected(
  listener: RequestListener,
  { validate, limitBody, onRejected }: RequestParts,
): RequestListener {
  return (req, res) => {
    const isHttp2 = isHttp2Request(req)
    // Reset by what came in one piece with it.
    if (isHttp2 && isClientGone(res)) return
    const rejection = validate(req)
    if (rejection !== undefined) {
      onRejected(req.socket, rejection, res)
      return reject(req, res, rejection.status)
    }
    const isOpenEnded = isHttp2 || req.headers['transfer-encoding'] !== undefined
    if (isOpenEnded) limitBody(req, res)
    listener(req, res)
  }
}

function withPostRequest(listener: RequestListener, parts: RequestParts): RequestListener {
  const { connections, accessLog, hooks, worker } = parts
  return (req, res) => {
    connections.trackRequest(req, res, started => {
      const timing = { duration: (performance.now() - started) / 1_000, finished: isComplete(res) }
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

function afterHook(app: RequestListener, { hooks, worker, log, idHeader }: RequestParts): RequestListener {
  return (req, res) => {
    hooks.call('pre_request', worker(), req).then(
      () => app(req, res),
      (error: Error) => {
        log.error(error.message)
        respondWithError(res, idHeader)
      },
    )
  }
}
