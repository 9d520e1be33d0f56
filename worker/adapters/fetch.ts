import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AppLog, RequestListener } from './adapter.ts'
import { BadRequest, NodeRequest } from './fetch-request.ts'
import { sendResponse } from './fetch-response.ts'

/** What the app may look at beside the Request; Hono's `getConnInfo` for Node finds the socket under these names. */
export interface NodeEnv {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
}

export type FetchHandler = (request: Request, env: NodeEnv) => Response | PromiseLike<Response>

/** Serves a fetch handler over Node's http and http2. */
export function fetchListener(handler: FetchHandler, log: AppLog): RequestListener {
  return (req, res) => void answer(handler, req, res, log)
}

async function answer(
  handler: FetchHandler,
  req: IncomingMessage,
  res: ServerResponse,
  log: AppLog,
): Promise<void> {
  try {
    const request = new NodeRequest(req, res)
    res.once('close', () => request.release(res.writableFinished))
    const response = await handler(request, { incoming: req, outgoing: res })
    await sendResponse(response, res)
  } catch (error) {
    if (error instanceof BadRequest) return fail(res, 400, 'Bad Request')
    // Whatever goes wrong because the client is gone is no news.
    if (res.destroyed && !res.writableFinished)
      return log('debug', `${req.method} ${req.url}: the client left`)
    log('error', `${req.method} ${req.url} failed: ${describe(error)}`)
    fail(res, 500, 'Internal Server Error')
  }
}

/** Once the head is out, only a cut connection can tell the client that the body is not whole. */
function fail(res: ServerResponse, status: number, text: string): void {
  if (res.headersSent) return void res.destroy()
  res.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`${text}\n`)
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
