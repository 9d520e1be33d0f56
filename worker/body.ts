/** The body of a request whose length is not known beforehand: its limit, and what may follow it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isHttp2Request } from './inspection.ts'
import { type OnRefused, refuse, refuseSocket } from './refuse.ts'

/** RFC 9110, section 6.5.1: fields that frame, route or authorize a request, and are too late for that in a trailer. */
const forbidden = new Set(['authorization', 'content-length', 'host', 'te', 'trailer', 'transfer-encoding'])

/** Watches the body as it arrives; `onRefused` hears why the request was refused after all. 0 is no limit. */
export function guardBody(
  req: IncomingMessage,
  res: ServerResponse,
  limit: number,
  onRefused: OnRefused,
): void {
  const { push } = req
  let size = 0
  const stop = (status: number, why: string): false => {
    onRefused(req.socket, { status, why }, res)
    req.push = () => false
    if (isHttp2Request(req)) refuse(req, res, status)
    else if (res.headersSent || res.socket === null) req.socket.destroy()
    else refuseSocket(req.socket, status)
    return false
  }
  req.push = (chunk: Buffer | null, encoding?: BufferEncoding): boolean => {
    size += chunk?.length ?? 0
    if (limit > 0 && size > limit) return stop(413, 'the body is larger than limit_request_body')
    const names = chunk === null ? req.rawTrailers.filter((_, n) => n % 2 === 0) : []
    if (names.some(name => forbidden.has(name.toLowerCase())))
      return stop(400, 'a field that may not be in a trailer')
    return push.call(req, chunk, encoding)
  }
}
