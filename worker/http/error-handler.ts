/** Handles what an app throws, or rejects with, while it handles a request: only that request fails. */
import { type ServerResponse, STATUS_CODES } from 'node:http'
import { stackOf } from '../../hooks/thrown.ts'
import type { WorkerLog } from '../process/log.ts'
import { abort, isClientGone, isComplete, isStreamClosed, streamOf } from './response.ts'
import type { RequestListener, StreamListener } from './types.ts'

export interface ErrorHandlerParts {
  readonly log: Pick<WorkerLog, 'debug' | 'error'>
  /** The setting `request_id_header`, in small letters: error responses keep it. */
  readonly idHeader: string | undefined
}

/** Errors in later callbacks cannot be attributed to a request, and end the worker as they end any process. */
export function withErrorHandler(
  app: RequestListener,
  { log, idHeader }: ErrorHandlerParts,
): RequestListener {
  return (req, res) =>
    attempt(
      () => app(req, res),
      error => {
        // An error because the client is gone is not worth a warning.
        if (isClientGone(res) && !isComplete(res))
          return log.debug(`${req.method} ${req.url}: the client left`)
        log.error(`${req.method} ${req.url} failed: ${stackOf(error)}`)
        respondWithError(res, idHeader)
      },
    )
}

/** The same for an app that handles HTTP/2 streams itself; a reset by the client is not an error. */
export function withStreamErrorHandler(
  listener: StreamListener,
  { log }: Pick<ErrorHandlerParts, 'log'>,
): StreamListener {
  return (stream, ...rest) => {
    stream.on('error', ({ message }) => log.debug(`An HTTP/2 stream ended: ${message}`))
    // Its client reset it in the same chunk that it came in.
    if (isStreamClosed(stream)) return
    attempt(
      () => listener(stream, ...rest),
      error => {
        log.error(`An HTTP/2 stream failed: ${stackOf(error)}`)
        stream.destroy(new Error('The response is incomplete'))
      },
    )
  }
}

/** Calls `failed` with what `call` throws, or rejects with. Returns a promise where `call` does. */
export function attempt(call: () => unknown, failed: (error: unknown) => void): unknown {
  try {
    const outcome = call() as Partial<PromiseLike<unknown>> | null | undefined
    return typeof outcome?.then === 'function' ? outcome.then(undefined, failed) : undefined
  } catch (error) {
    failed(error)
  }
}

const text = 'Internal Server Error\n'

/** Responds with 500. Once the head is sent, only a cut connection can tell the client that the body is incomplete. */
export function respondWithError(res: ServerResponse, keptHeader?: string): void {
  if (res.writableEnded) return
  if (res.headersSent) return abort(res)
  for (const name of res.getHeaderNames()) {
    if (name !== keptHeader) res.removeHeader(name)
  }
  const head = { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': text.length }
  // The app's reason phrase may be what failed; HTTP/2 has none.
  if (streamOf(res) === undefined) res.writeHead(500, STATUS_CODES[500], head)
  else res.writeHead(500, head)
  res.end(text)
}
