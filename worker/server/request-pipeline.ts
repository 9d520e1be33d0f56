/** The steps that every request takes before and after the app. */
import type { ServerResponse } from 'node:http'
import type { HookCaller } from '../../hooks/run.ts'
import type { WorkerView } from '../../hooks/table.ts'
import type { AccessLog } from '../access-log/access-log.ts'
import type { Connections, OnRequestEnd } from '../connection/connections.ts'
import type { LimitBody } from '../http/body-limit.ts'
import { respondWithError, withErrorHandler } from '../http/error-handler.ts'
import { isRejected, type OnRejected, reject } from '../http/rejection.ts'
import type { RequestTimeouts } from '../http/request-timeout.ts'
import { isClientGone, isComplete } from '../http/response.ts'
import type { RequestListener, RequestStep } from '../http/types.ts'
import { isHttp2Request, type Validate } from '../http/validation.ts'
import type { WorkerLog } from '../process/log.ts'
import type { Rewrite } from './header-rewriting.ts'
import type { RequestIds } from './request-id.ts'

export interface PipelineParts {
  readonly requestIds: RequestIds | undefined
  readonly connections: Connections
  readonly accessLog: AccessLog | undefined
  readonly validate: Validate
  readonly onRejected: OnRejected
  readonly rewrite: Rewrite
  readonly timeouts: RequestTimeouts | undefined
  readonly limitBody: LimitBody
  readonly hooks: HookCaller
  readonly worker: () => WorkerView
  readonly readiness: RequestStep | undefined
  readonly log: WorkerLog
  /** The setting `request_id_header`, in small letters: error responses keep it. */
  readonly idHeader: string | undefined
}

/** Puts the pipeline in front of the listeners of one event, which all get each request. */
export type Pipeline = (...listeners: RequestListener[]) => RequestListener

/** What is not configured is not in the lists, and costs nothing per request. */
export function createPipeline(parts: PipelineParts): Pipeline {
  const { requestIds, connections, accessLog, timeouts, hooks, readiness } = parts

  // Called in this order when a response is finished or cut off, after the state of its connection is updated.
  const ends = configured<OnRequestEnd>([
    hooks.has('post_request') && callPostRequest(parts),
    accessLog?.ended,
    timeouts?.ended,
  ])

  // A request passes these steps in this order, and then reaches the error handler and the app.
  const steps = configured<RequestStep>([
    requestIds?.request,
    ignoreAfterLastResponse(connections),
    trackRequests(connections, together(ends)),
    accessLog && logRequests(accessLog),
    validateRequests(parts),
    rewriteHeaders(parts.rewrite),
    timeouts?.step,
    limitBodies(parts.limitBody),
    waitForBatch(connections),
    hooks.has('pre_request') && callPreRequest(parts),
    readiness,
    connections.turns?.step,
  ])

  // Each listener of the app has its own error handler, so that one that throws does not affect the others.
  return (...listeners) => {
    const app = together(listeners.map(listener => withErrorHandler(listener, parts))) as RequestListener
    const first = steps.reduceRight((next, step) => step(next), app)
    return (req, res: Passed) => {
      // A listener may emit the request again: of `checkContinue` as `request`, or on another server of the app.
      if (res[passed]) return app(req, res)
      res[passed] = true
      return first(req, res)
    }
  }
}

/** Set on the responses to requests that have begun to pass the steps. */
const passed = Symbol('passed')

type Passed = ServerResponse & { [passed]?: true }

function configured<T>(list: readonly (T | false | undefined)[]): readonly T[] {
  return list.filter(item => item !== false && item !== undefined) as readonly T[]
}

/** Calls all of them; undefined where there are none. */
function together<Args extends unknown[]>(
  listeners: readonly ((...args: Args) => unknown)[],
): ((...args: Args) => unknown) | undefined {
  if (listeners.length < 2) return listeners[0]
  return (...args) => {
    for (const listener of listeners) listener(...args)
  }
}

/** Requests that follow a rejected request or the last response of their connection are not processed. */
function ignoreAfterLastResponse(connections: Connections): RequestStep {
  return next => (req, res) => {
    if (!isRejected(req.socket) && !connections.isAfterLastResponse(req)) next(req, res)
  }
}

/** Keeps the state of connections and the totals up to date; the only step that subscribes to the end of responses. */
function trackRequests(connections: Connections, ended: OnRequestEnd | undefined): RequestStep {
  return next => (req, res) => {
    connections.trackRequest(req, res, ended)
    next(req, res)
  }
}

function logRequests(accessLog: AccessLog): RequestStep {
  return next => (req, res) => {
    accessLog.started(req, res)
    next(req, res)
  }
}

function validateRequests({ validate, onRejected }: PipelineParts): RequestStep {
  return next => (req, res) => {
    // Its client reset it in the same chunk that it came in.
    if (isHttp2Request(req) && isClientGone(res)) return
    const rejection = validate(req)
    if (rejection === undefined) return next(req, res)
    onRejected(req.socket, rejection, res)
    reject(req, res, rejection.status)
  }
}

function rewriteHeaders(rewrite: Rewrite): RequestStep {
  return next => (req, res) => {
    rewrite(req)
    next(req, res)
  }
}

/** Before anything waits: the parser may already have more of the body. */
function limitBodies(limitBody: LimitBody): RequestStep {
  return next => (req, res) => {
    // A body with a Content-Length has passed validation.
    if (isHttp2Request(req) || req.headers['transfer-encoding'] !== undefined) limitBody(req, res)
    next(req, res)
  }
}

/**
 * While connections end, the app waits until all requests of the same chunk are known: the response to the newest of
 * them is the last one, and a quick response to the first would leave the others without one.
 */
function waitForBatch(connections: Connections): RequestStep {
  return next => (req, res) => {
    if (connections.mayKeepAlive) next(req, res)
    else process.nextTick(next, req, res)
  }
}

function callPreRequest({ hooks, worker, log, idHeader }: PipelineParts): RequestStep {
  return next => (req, res) => {
    hooks.call('pre_request', worker(), req).then(
      () => next(req, res),
      (error: Error) => {
        log.error(error.message)
        respondWithError(res, idHeader)
      },
    )
  }
}

function callPostRequest({ hooks, worker }: PipelineParts): OnRequestEnd {
  return (req, res: ServerResponse, startedAt) => {
    const timing = { duration: (performance.now() - startedAt) / 1_000, finished: isComplete(res) }
    void hooks.tell('post_request', worker(), req, res, timing)
  }
}
