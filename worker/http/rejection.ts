/**
 * Rejects requests: with a short response that echoes nothing from the request, and is the last one of its connection.
 */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { linger } from '../net/lingering-close.ts'
import { isHttp2Request, type Rejection } from './validation.ts'

/** Called for each rejected request, with the response that the rejection replaces, if there is one. */
export type OnRejected = (socket: Socket, rejection: Rejection, response?: ServerResponse) => void

const rejected = new WeakSet<Duplex>()

/** Whether a request on this connection was already rejected: what follows is not processed. */
export function isRejected(socket: Duplex): boolean {
  return rejected.has(socket)
}

/** The body of a rejection. */
export function rejectionText(status: number): string {
  return `${STATUS_CODES[status]}\n`
}

export function reject(req: IncomingMessage, res: ServerResponse, status: number): void {
  const text = rejectionText(status)
  if (isHttp2Request(req)) {
    // The response may end before the request does (RFC 9113, section 8.1).
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

/** The same without a response object: before a request is parsed, and for an upgrade. */
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

/** Node's own field for the response in progress. */
export interface AnsweringSocket extends Socket {
  readonly _httpMessage?: (ServerResponse & { readonly _headerSent: boolean }) | null
}

/**
 * Calls `respond` when all earlier requests on this connection have their responses (RFC 9112, section 9.3.2). `own` is
 * the response object of this request, if there is one.
 */
export function afterEarlierResponses(
  socket: AnsweringSocket,
  own: ServerResponse | undefined,
  respond: () => void,
): void {
  const { _httpMessage: first } = socket
  if (first === undefined || first === null || first === own || !socket.writable) respond()
  else first.once('close', () => setImmediate(afterEarlierResponses, socket, own, respond))
}

export function ignore(): void {
  // `close` follows.
}
