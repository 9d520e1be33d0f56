/** What an application throws, or rejects with, while it answers a request: it costs that request, and no other. */
import { type ServerResponse, STATUS_CODES } from 'node:http'
import { stackOf } from '../../hooks/thrown.ts'
import type { WorkerLog } from '../process/log.ts'
import { abort, isClientGone, isComplete, isStreamClosed, streamOf } from './response.ts'
import type { RequestListener, StreamListener } from './types.ts'

export interface ErrorHandlerParts {
  readonly log: Pick<WorkerLog, 'debug' | 'error'>
  /** The setting `request_id_header`, in small letters: the answer to a failure keeps it. */
  readonly idHeader: string | undefined
}

/** What goes wrong later, in a callback, is not known to belong to a request, and ends the worker as it ends any process. */
export function withErrorHandler(
  app: RequestListener,
  { log, idHeader }: ErrorHandlerParts,
): RequestListener {
  return (req, res) =>
    attempt(
      () => app(req, res),
      error => {
        // Whatever goes wrong because the client is gone is no news.
        if (isClientGone(res) && !isComplete(res))
          return log.debug(`${req.method} ${req.url}: the client left`)
        log.error(`${req.method} ${req.url} failed: ${stackOf(error)}`)
        respondWithError(res, idHeader)
      },
    )
}

/** The same for an application that listens for the streams of HTTP/2 themselves; a client that resets one is no error. */
export function withStreamErrorHandler(
  listener: StreamListener,
  { log }: Pick<ErrorHandlerParts, 'log'>,
): StreamListener {
  return (stream, ...rest) => {
    stream.on('error', ({ message }) => log.debug(`A stream of HTTP/2 ended: ${message}`))
    // Reset by what came in one piece with it.
    if (isStreamClosed(stream)) return
    attempt(
      () => listener(stream, ...rest),
      error => {
        log.error(`A stream of HTTP/2 failed: ${stackOf(error)}`)
        stream.destroy(new Error('The answer is not whole'))
      },
    )
  }
}

/** Calls `failed` with what the deed throws, or rejects with. */
export function attempt(deed: () => unknown, failed: (error: unknown) => void): void {
  try {
    const outcome = deed() as Partial<PromiseLike<unknown>> | null | undefined
    if (typeof outcome?.then === 'function') outcome.then(undefined, failed)
  } catch (error) {
    failed(error)
  }
}

const text = 'Internal Server Error\n'

/** Once the head is out, only a cut connection can tell the client that the body is not whole. */
export function respondWithError(res: ServerResponse, kept?: string): void {
  if (res.writableEnded) return
  if (res.headersSent) return abort(res)
  for (const name of res.getHeaderNames()) {
    if (name !== kept) res.removeHeader(name)
  }
  const head = { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': text.length }
  // The reason of the app may be what it failed of; HTTP/2 has none.
  if (streamOf(res) === undefined) res.writeHead(500, STATUS_CODES[500], head)
  else res.writeHead(500, head)
  res.end(text)
}
