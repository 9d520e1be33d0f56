/** Limits bodies of unknown length, and checks their trailers. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  type AnsweringSocket,
  afterEarlierResponses,
  ignore,
  type OnRejected,
  rejectionText,
  rejectSocket,
} from './rejection.ts'
import { abort, respondOnStream } from './response.ts'
import { isHttp2Request, maxFieldBytes, maxFields, type Rejection, type RequestRules } from './validation.ts'

/** RFC 9110, section 6.5.1: fields that frame, route or authorize a request are not allowed in a trailer. */
const forbiddenTrailers = new Set([
  'authorization',
  'content-length',
  'host',
  'te',
  'trailer',
  'transfer-encoding',
])

/** Call before the app reads the body. */
export type LimitBody = (req: IncomingMessage, res: ServerResponse) => void

export function createBodyLimit(rules: RequestRules, onRejected: OnRejected): LimitBody {
  const { limit_request_body: limit } = rules
  return (req, res) => {
    const { push } = req
    let size = 0
    const stop = (rejection: Rejection): boolean => {
      // Over HTTP/2, unread data would keep the stream open.
      req.push = () => isHttp2Request(req)
      // Node's own `_read` asserts that the stream is open, one turn after it was closed.
      if (isHttp2Request(req)) req._read = ignore
      rejectLate(req, res, rejection, onRejected)
      return isHttp2Request(req)
    }
    req.push = (chunk: Buffer | null, encoding?: BufferEncoding): boolean => {
      size += chunk?.length ?? 0
      if (limit > 0 && size > limit)
        return stop({ status: 413, why: 'the body is larger than limit_request_body' })
      const wrong = chunk === null ? checkTrailer(req, rules) : undefined
      return wrong === undefined ? push.call(req, chunk, encoding) : stop(wrong)
    }
  }
}

function checkTrailer(
  { rawTrailers, trailers }: IncomingMessage,
  rules: RequestRules,
): Rejection | undefined {
  if (rawTrailers.length > maxFields(rules) * 2)
    return { status: 431, why: 'more fields in the trailer than limit_request_fields' }
  for (let n = rawTrailers.length - 2; n >= 0; n -= 2) {
    const [name = '', value = ''] = rawTrailers.slice(n, n + 2)
    if (forbiddenTrailers.has(name.toLowerCase()))
      return { status: 400, why: 'a field that may not be in a trailer' }
    if (name.length + value.length + ': \r\n'.length > maxFieldBytes(rules))
      return { status: 431, why: 'a field of the trailer is longer than limit_request_field_size' }
    if (!name.includes('_') || rules.header_map === 'dangerous') continue
    if (rules.header_map === 'refuse') return { status: 400, why: 'a field has an underscore in its name' }
    rawTrailers.splice(n, 2)
    delete trailers[name.toLowerCase()]
  }
  return undefined
}

/**
 * Rejects a request that the app already handles. Bypasses the response object, so that the app can still set headers.
 */
function rejectLate(
  req: IncomingMessage,
  res: ServerResponse,
  rejection: Rejection,
  onRejected: OnRejected,
): void {
  const { status } = rejection
  const socket: AnsweringSocket = req.socket
  if (isHttp2Request(req)) {
    onRejected(socket, rejection, res)
    if (res.headersSent) abort(res)
    else respondOnStream(res, status, rejectionText(status))
  } else {
    afterEarlierResponses(socket, res, () => {
      onRejected(socket, rejection, res)
      if (res.headersSent) socket.destroy()
      else rejectSocket(socket, status)
    })
  }
}
