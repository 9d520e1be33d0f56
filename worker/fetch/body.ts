/** The body of a Request: whether there is one, as a stream from the socket, and whole. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isClientGone } from '../http/response.ts'

export function hasBody(req: IncomingMessage): boolean {
  if (req.method === 'GET' || req.method === 'HEAD') return false
  if (req.httpVersionMajor >= 2) return !req.readableEnded
  return req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0
}

/**
 * A stream that reads from the socket no faster than the app reads from it. `Readable.toWeb` does the same at several
 * times the cost.
 *
 * The request is not touched before the first read, so Node itself discards a body that the app does not read.
 */
export function requestBody(req: IncomingMessage, res: ServerResponse): ReadableStream<Uint8Array> {
  let stop: (() => void) | undefined
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (stop === undefined && isClientGone(res)) controller.error(brokenOff())
        else if (stop === undefined) stop = flow(req, res, controller)
        else req.resume()
      },
      cancel() {
        stop?.()
        // The rest must still be read, or the connection cannot be used again.
        req.resume()
      },
    },
    // `req` has a buffer of its own.
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
    controller.error(brokenOff())
    req.resume()
  }
  const stop = listen(req, res, { deliver, end, fail })
  return stop
}

/** All of the body at once; rejects like the stream. */
export function wholeBody(req: IncomingMessage, res: ServerResponse): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (isClientGone(res)) return reject(brokenOff())
    const chunks: Buffer[] = []
    const deliver = (chunk: Buffer) => void chunks.push(chunk)
    const end = () => {
      stop()
      resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks))
    }
    const fail = () => {
      stop()
      reject(brokenOff())
      req.resume()
    }
    const stop = listen(req, res, { deliver, end, fail })
  })
}

interface Listeners {
  readonly deliver: (chunk: Buffer) => void
  readonly end: () => void
  /** The body ends before it is whole, or its client has left. */
  readonly fail: () => void
}

/** Listens to a body until the returned function is called. */
function listen(req: IncomingMessage, res: ServerResponse, { deliver, end, fail }: Listeners): () => void {
  req.on('data', deliver).on('end', end).on('error', fail).on('close', fail)
  res.on('close', fail)
  return () => {
    req.off('data', deliver).off('end', end).off('error', fail).off('close', fail)
    res.off('close', fail)
  }
}

function brokenOff(): DOMException {
  return new DOMException('The exchange was over before the whole body was read', 'AbortError')
}
