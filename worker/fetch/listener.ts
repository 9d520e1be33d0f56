/** Serves a fetch handler over Node's http and http2. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RequestListener } from '../http/types.ts'
import { BadRequest } from './bad-request.ts'
import { LightRequest, useLightRequests } from './light-request.ts'
import { usePlainResponses } from './plain-response.ts'
import { NodeRequest } from './request.ts'
import { sendResponse } from './response.ts'

/** What the app gets beside the Request; Hono's `getConnInfo` for Node finds the socket under these names. */
export interface NodeEnv {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
}

export type FetchHandler = (request: Request, env: NodeEnv) => Response | PromiseLike<Response>

/**
 * A request listener that calls the handler; it throws, or rejects with, what the handler throws.
 *
 * @param isLight whether the handler may get light Requests, see `early.ts`
 */
export function fetchListener(handler: FetchHandler, isLight = false): RequestListener {
  const Class = isLight ? LightRequest : NodeRequest
  if (isLight) useLightRequests()
  usePlainResponses()
  return (req, res) => {
    const request = requestOf(Class, req, res)
    if (request === undefined) return refuse(res)
    const response = handler(request, { incoming: req, outgoing: res })
    return isPromise(response) ? sendLater(response, res) : sendResponse(response, res)
  }
}

function requestOf(
  Class: typeof LightRequest | typeof NodeRequest,
  req: IncomingMessage,
  res: ServerResponse,
): Request | undefined {
  try {
    return new Class(req, res) as unknown as Request
  } catch (error) {
    if (error instanceof BadRequest) return undefined
    throw error
  }
}

function refuse(res: ServerResponse): void {
  res.writeHead(400, { 'Content-Type': 'text/plain; charset=utf-8' }).end('Bad Request\n')
}

async function sendLater(promise: PromiseLike<Response>, res: ServerResponse): Promise<void> {
  await sendResponse(await promise, res)
}

function isPromise(value: Response | PromiseLike<Response>): value is PromiseLike<Response> {
  return typeof (value as Partial<PromiseLike<Response>> | undefined)?.then === 'function'
}
