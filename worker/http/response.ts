/**
 * What is asked of responses, whichever protocol they speak: Node's compatibility layer of HTTP/2 answers some of it
 * otherwise than HTTP/1.1 does, or not at all.
 */
import type { ServerResponse } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'

/** Of a response over HTTP/2. */
export function streamOf(res: ServerResponse): ServerHttp2Stream | undefined {
  return (res as { readonly stream?: ServerHttp2Stream }).stream
}

/** Whether all of it was sent; over HTTP/2, Node says so of a stream that was reset, too. */
export function isComplete(res: ServerResponse): boolean {
  const stream = streamOf(res)
  return stream === undefined ? res.writableFinished : res.writableEnded && !stream.rstCode
}

/** Whether nobody is left to send to. */
export function isClientGone(res: ServerResponse): boolean {
  const stream = streamOf(res)
  if (stream !== undefined) return isStreamClosed(stream)
  // One that waits behind another on its connection is not destroyed with it by Node 22.
  return res.destroyed || (res.socket === null && res.req.socket.destroyed)
}

/** A stream that its client has reset is not destroyed before what came of its body is read. */
export function isStreamClosed({ destroyed, closed }: ServerHttp2Stream): boolean {
  return destroyed || closed
}

/** Tells the client that what it got is not whole. */
export function abort(res: ServerResponse): void {
  const stream = streamOf(res)
  if (stream === undefined) res.destroy()
  // With an error: to close it would send the end of the body first. The layer listens for it, and drops it.
  else stream.destroy(new Error('The answer is not whole'))
}

/**
 * Answers past the response object, which from then on does nothing: the app still has it, and must find nothing amiss when
 * it sets a header. The answer is whole without the rest of the request (RFC 9113, section 8.1).
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
