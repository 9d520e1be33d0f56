/** `request_timeout`: a request that the app does not begin to answer in time is answered for it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { linger } from '../net/lingering-close.ts'
import { isClientGone, respondOnStream } from './response.ts'
import { onResponseEnd } from './response-end.ts'
import type { RequestListener } from './types.ts'

const expired = new WeakSet<ServerResponse>()

/** Whether the client was told that it took too long. */
export function hasExpired(res: ServerResponse): boolean {
  return expired.has(res)
}

/** The listener with a limit in milliseconds; `onExpired` hears of each request that exceeds it. */
export function withTimeout(
  listener: RequestListener,
  limit: number,
  onExpired: (req: IncomingMessage) => void,
): RequestListener {
  return (req, res) => {
    const timer = setTimeout(() => {
      if (res.headersSent || isClientGone(res)) return
      expired.add(res)
      onExpired(req)
      respondTimedOut(req, res)
    }, limit)
    onResponseEnd(req, res, () => clearTimeout(timer))
    listener(req, res)
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
 * The answer goes past the response object, and the connection ends: the app still has that object, and a header that it
 * sets after all must find nothing amiss.
 */
function respondTimedOut(req: IncomingMessage, res: ServerResponse): void {
  if (req.httpVersionMajor !== 1) return respondOnStream(res, 503, body)
  const { socket } = res
  // Without a socket the answer to an earlier request of this connection is still being sent.
  if (socket === null) return void req.socket.destroy()
  linger(socket)
  socket.end(`${head.join('\r\n')}\r\n\r\n${req.method === 'HEAD' ? '' : body}`)
  socket.destroySoon()
}
