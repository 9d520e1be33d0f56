/** The body of a request whose length is not known beforehand: its limit, and what may follow it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  type AnsweringSocket,
  ignore,
  inTurn,
  type OnRefused,
  refusalText,
  refuseSocket,
} from './rejection.ts'
import { answerStream, cut } from './response.ts'
import { isHttp2Request, type MessageRules, mostFields, type Refusal, widestField } from './validation.ts'

/** RFC 9110, section 6.5.1: fields that frame, route or authorize a request, and are too late for that in a trailer. */
const forbidden = new Set(['authorization', 'content-length', 'host', 'te', 'trailer', 'transfer-encoding'])

/** To be called before the app reads; `onRefused` hears why a request was refused after all. */
export type BodyGuard = (req: IncomingMessage, res: ServerResponse) => void

export function createBodyGuard(rules: MessageRules, onRefused: OnRefused): BodyGuard {
  const { limit_request_body: limit } = rules
  return (req, res) => {
    const { push } = req
    let size = 0
    const stop = (refusal: Refusal): boolean => {
      // Over HTTP/2, what is not taken would keep the stream open.
      req.push = () => isHttp2Request(req)
      // Node's own asserts that its stream is open, in the turn after the one in which it was closed.
      if (isHttp2Request(req)) req._read = ignore
      refuseLate(req, res, refusal, onRefused)
      return isHttp2Request(req)
    }
    req.push = (chunk: Buffer | null, encoding?: BufferEncoding): boolean => {
      size += chunk?.length ?? 0
      if (limit > 0 && size > limit)
        return stop({ status: 413, why: 'the body is larger than limit_request_body' })
      const wrong = chunk === null ? wrongTrailer(req, rules) : undefined
      return wrong === undefined ? push.call(req, chunk, encoding) : stop(wrong)
    }
  }
}

function wrongTrailer({ rawTrailers, trailers }: IncomingMessage, rules: MessageRules): Refusal | undefined {
  if (rawTrailers.length > mostFields(rules) * 2)
    return { status: 431, why: 'more fields in the trailer than limit_request_fields' }
  for (let n = rawTrailers.length - 2; n >= 0; n -= 2) {
    const [name = '', value = ''] = rawTrailers.slice(n, n + 2)
    if (forbidden.has(name.toLowerCase())) return { status: 400, why: 'a field that may not be in a trailer' }
    if (name.length + value.length + ': \r\n'.length > widestField(rules))
      return { status: 431, why: 'a field of the trailer is longer than limit_request_field_size' }
    if (!name.includes('_') || rules.header_map === 'dangerous') continue
    if (rules.header_map === 'refuse') return { status: 400, why: 'a field has an underscore in its name' }
    rawTrailers.splice(n, 2)
    delete trailers[name.toLowerCase()]
  }
  return undefined
}

/** The app has begun by then. Its response object is left alone: it may set a header, and must find nothing amiss. */
function refuseLate(req: IncomingMessage, res: ServerResponse, refusal: Refusal, onRefused: OnRefused): void {
  const { status } = refusal
  const socket: AnsweringSocket = req.socket
  if (isHttp2Request(req)) {
    onRefused(socket, refusal, res)
    if (res.headersSent) cut(res)
    else answerStream(res, status, refusalText(status))
  } else {
    inTurn(socket, res, () => {
      onRefused(socket, refusal, res)
      if (res.headersSent) socket.destroy()
      else refuseSocket(socket, status)
    })
  }
}
