/** The answer to a request that is not for the app: small, without a byte of what was sent, and the last one. */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { linger } from '../net/lingering-close.ts'
import { isHttp2Request, type Rejection } from './validation.ts'

/** Hears of each request that is refused, and in the place of which response, as far as there is one. */
export type OnRejected = (socket: Socket, rejection: Rejection, response?: ServerResponse) => void

const rejected = new WeakSet<Duplex>()

/** Whether a request on this connection was refused already: what follows it there is nobody's. */
export function isRejected(socket: Duplex): boolean {
  return rejected.has(socket)
}

/** The body of such an answer. */
export function rejectionText(status: number): string {
  return `${STATUS_CODES[status]}\n`
}

export function reject(req: IncomingMessage, res: ServerResponse, status: number): void {
  const text = rejectionText(status)
  if (isHttp2Request(req)) {
    // The answer is whole without the rest of the body (RFC 9113, section 8.1).
    const { stream } = req as unknown as Http2ServerRequest
    if (stream.closed || stream.destroyed) return
    stream.once('finish', () => stream.close())
  } else {
    rejected.add(req.socket)
    res.shouldKeepAlive = false
    linger(req.socket)
  }
  res.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': text.length })
  res.end(req.method === 'HEAD' ? undefined : text)
  req.resume()
}

/** The same where there is no response object: before there is a request, and for an upgrade. */
export function rejectSocket(socket: Duplex, status: number): void {
  rejected.add(socket)
  socket.on('error', ignore)
  if (!socket.writable) return void socket.destroy()
  if ('bytesRead' in socket) linger(socket as Socket)
  const text = rejectionText(status)
  const fields = [
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${text.length}`,
  ]
  socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${fields.join('\r\n')}\r\n\r\n${text}`)
  if ('destroySoon' in socket) (socket as Socket).destroySoon()
  else socket.end()
}

/** Node's own way to know which response is on its way. */
export interface AnsweringSocket extends Socket {
  readonly _httpMessage?: (ServerResponse & { readonly _headerSent: boolean }) | null
}

/**
 * Calls `answer` when the requests before this one on its connection are answered (RFC 9112, section 9.3.2). What there is of a
 * response to it is `own`.
 */
export function afterEarlierResponses(
  socket: AnsweringSocket,
  own: ServerResponse | undefined,
  answer: () => void,
): void {
  const { _httpMessage: first } = socket
  if (first === undefined || first === null || first === own || !socket.writable) answer()
  else first.once('close', () => setImmediate(afterEarlierResponses, socket, own, answer))
}

export function ignore(): void {
  // The close that follows says all there is to say.
}
