/** Serves a fetch handler over Node's http and http2. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isComplete } from '../http/response.ts'
import type { RequestListener } from '../http/types.ts'
import { usePlainResponses } from './plain-response.ts'
import { BadRequest, NodeRequest } from './request.ts'
import { sendResponse } from './response.ts'

/** What the app gets beside the Request; Hono's `getConnInfo` for Node finds the socket under these names. */
export interface NodeEnv {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
}

export type FetchHandler = (request: Request, env: NodeEnv) => Response | PromiseLike<Response>

/** A request listener that calls the handler; it rejects with what the handler throws. */
export function fetchListener(handler: FetchHandler): RequestListener {
  usePlainResponses()
  return (req, res) => answer(handler, req, res)
}

async function answer(handler: FetchHandler, req: IncomingMessage, res: ServerResponse): Promise<void> {
  try {
    const request = new NodeRequest(req, res)
    res.once('close', () => request.release(isComplete(res)))
    const response = await handler(request, { incoming: req, outgoing: res })
    await sendResponse(response, res)
  } catch (error) {
    if (!(error instanceof BadRequest) || res.headersSent) throw error
    res.writeHead(400, { 'Content-Type': 'text/plain; charset=utf-8' }).end('Bad Request\n')
  }
}
