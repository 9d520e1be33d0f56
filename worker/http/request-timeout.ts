/** `request_timeout`: responds with 503 where the app does not begin its response in time. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { linger } from '../net/lingering-close.ts'
import { afterEarlierResponses } from './rejection.ts'
import { isClientGone, respondOnStream } from './response.ts'
import type { RequestStep } from './types.ts'

const expired = new WeakSet<ServerResponse>()
const timedOut = new WeakSet<ServerResponse>()

/** Whether the client got a 503 because of the timeout, of which the response object knows nothing. */
export function hasExpired(res: ServerResponse): boolean {
  return expired.has(res)
}

/** Call for a response that says that the request took too long. */
export function markTimedOut(res: ServerResponse): void {
  timedOut.add(res)
}

export function wasTimedOut(res: ServerResponse): boolean {
  return timedOut.has(res)
}

export interface RequestTimeouts {
  readonly step: RequestStep
  /** Call when the response is finished or cut off. */
  readonly ended: (req: IncomingMessage, res: ServerResponse) => void
}

/** `onExpired` is called for each request that exceeds the limit. */
export function createRequestTimeouts(
  limitMs: number,
  onExpired: (req: IncomingMessage) => void,
): RequestTimeouts {
  /** When each request has begun, the oldest first: as all have the same limit, one timer is enough for them. */
  const begun = new Map<ServerResponse, number>()
  let timer: NodeJS.Timeout | undefined
  const expire = (res: ServerResponse): void => {
    const { req } = res
    if (res.headersSent || isClientGone(res)) return
    // The one before it is still being sent, and whoever gets that has done nothing wrong.
    if (req.httpVersionMajor === 1 && res.socket === null)
      return afterEarlierResponses(req.socket, res, () => void (res.socket !== null && expire(res)))
    expired.add(res)
    markTimedOut(res)
    onExpired(req)
    respondTimedOut(req, res)
  }
  const check = () => {
    timer = undefined
    const due = performance.now() - limitMs
    for (const [res, at] of begun) {
      if (at > due) return wait(at - due)
      begun.delete(res)
      expire(res)
    }
  }
  const wait = (ms: number) => {
    timer = setTimeout(check, ms).unref()
  }
  return {
    step: next => (req, res) => {
      begun.set(res, performance.now())
      if (timer === undefined) wait(limitMs)
      next(req, res)
    },
    ended(_req, res) {
      begun.delete(res)
    },
  }
}

const body = 'Service Unavailable\n'
const head = [
  'HTTP/1.1 503 Service Unavailable',
  'Connection: close',
  'Content-Type: text/plain; charset=utf-8',
  `Content-Length: ${body.length}`,
]

/**
 * Bypasses the response object, and ends the connection: the app still has that object, and must be able to set headers
 * without an error.
 */
function respondTimedOut(req: IncomingMessage, res: ServerResponse): void {
  if (req.httpVersionMajor !== 1) return respondOnStream(res, 503, body)
  const { socket } = req
  linger(socket)
  socket.end(`${head.join('\r\n')}\r\n\r\n${req.method === 'HEAD' ? '' : body}`)
  socket.destroySoon()
}
