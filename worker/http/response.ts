/**
 * The state of responses in both protocols: Node's HTTP/2 compatibility layer reports some of it differently from
 * HTTP/1.1, or not at all.
 */
import type { ServerResponse } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'

/** The stream of an HTTP/2 response. */
export function streamOf(res: ServerResponse): ServerHttp2Stream | undefined {
  return (res as { readonly stream?: ServerHttp2Stream }).stream
}

/** Whether the response was completely sent; over HTTP/2, Node also says so of a stream that was reset. */
export function isComplete(res: ServerResponse): boolean {
  const stream = streamOf(res)
  return stream === undefined ? res.writableFinished : res.writableEnded && !stream.rstCode
}

/** Whether the client can no longer receive the response. */
export function isClientGone(res: ServerResponse): boolean {
  const stream = streamOf(res)
  if (stream !== undefined) return isStreamClosed(stream)
  // Node 22 does not destroy a response that waits for an earlier one together with its connection.
  return res.destroyed || (res.socket === null && res.req.socket.destroyed)
}

/** A reset stream is not destroyed until the received part of its body is read. */
export function isStreamClosed({ destroyed, closed }: ServerHttp2Stream): boolean {
  return destroyed || closed
}

/** Aborts a response, so that the client knows it is incomplete. */
export function abort(res: ServerResponse): void {
  const stream = streamOf(res)
  if (stream === undefined) res.destroy()
  // With an error: closing would first send the end of the body. The compatibility layer ignores the error.
  else stream.destroy(new Error('The response is incomplete'))
}

/**
 * Responds on the stream, bypassing the response object, which from then on does nothing: the app still has it, and
 * must be able to set headers without an error. The response may end before the request does (RFC 9113, section 8.1).
 */
export function respondOnStream(res: ServerResponse, status: number, text: string): void {
  const stream = streamOf(res) as ServerHttp2Stream
  if (isStreamClosed(stream)) return
  const isHead = res.req.method === 'HEAD'
  res.statusCode = status
  stream.once('finish', () => stream.close())
  stream.respond({
    ':status': status,
    'content-type': 'text/plain; charset=utf-8',
    'content-length': text.length,
  })
  stream.end(isHead ? '' : text)
  stream.resume()
  const nothing = (...args: readonly unknown[]) => {
    const done = args.at(-1)
    if (typeof done === 'function') process.nextTick(done)
    return res
  }
  for (const name of ['setHeader', 'appendHeader', 'removeHeader', 'flushHeaders', 'writeHead', 'end']) {
    Object.defineProperty(res, name, { value: nothing, configurable: true, writable: true })
  }
  Object.defineProperty(res, 'write', { value: (...args: unknown[]) => nothing(...args) === res })
}
