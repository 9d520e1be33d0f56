import type { IncomingMessage, ServerResponse } from 'node:http'

/**
 * The body as a stream that is read from the socket no faster than the app reads it. `Readable.toWeb` does the same at several
 * times the cost.
 *
 * Nothing is touched before the first read, so Node itself disposes of a body that the app does not want.
 */
export function requestBody(req: IncomingMessage, res: ServerResponse): ReadableStream<Uint8Array> {
  let stop: (() => void) | undefined
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (stop === undefined) stop = flow(req, res, controller)
        else req.resume()
      },
      cancel() {
        stop?.()
        // The rest has to be read nevertheless, or the connection cannot be used again.
        req.resume()
      },
    },
    // The buffer of `req` is enough.
    { highWaterMark: 0 },
  )
}

/** Passes on what arrives until the body ends or fails, or the returned function is called. */
function flow(
  req: IncomingMessage,
  res: ServerResponse,
  controller: ReadableStreamDefaultController<Uint8Array>,
): () => void {
  const deliver = (chunk: Buffer) => {
    controller.enqueue(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength))
    if (controller.desiredSize! < 0) req.pause()
  }
  const end = () => {
    stop()
    controller.close()
  }
  const fail = () => {
    stop()
    controller.error(new DOMException('The exchange was over before the whole body was read', 'AbortError'))
    req.resume()
  }
  const stop = () => {
    req.off('data', deliver).off('end', end).off('error', fail).off('close', fail)
    res.off('close', fail)
  }
  req.on('data', deliver).on('end', end).on('error', fail).on('close', fail)
  res.on('close', fail)
  return stop
}
