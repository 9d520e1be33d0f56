/** The Request of a fetch handler, as one of Node's: for apps whose modules may have Node's own class. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isComplete } from '../http/response.ts'
import { BadRequest } from './bad-request.ts'
import { hasBody, requestBody } from './body.ts'
import { pairsOf } from './raw-headers.ts'
import { urlOf } from './url.ts'

/** The platform's class; its `signal` is an accessor, which the types hide. */
const BaseRequest: new (url: string, init: RequestInit) => Omit<Request, 'signal'> = Request

/** Only its abort signal is created on first access: one for every request would double the cost of construction. */
export class NodeRequest extends BaseRequest {
  #controller: AbortController | undefined
  #aborted = false

  /** @throws BadRequest */
  constructor(req: IncomingMessage, res: ServerResponse) {
    try {
      super(urlOf(req), initOf(req, res))
    } catch (error) {
      throw new BadRequest(`${req.method} ${req.url} is not a valid Request`, { cause: error })
    }
    res.once('close', () => this.#release(isComplete(res)))
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#aborted) this.#controller.abort()
    return this.#controller.signal
  }

  /** The exchange is over; `isComplete` is false when the client left before the response was sent. */
  #release(isComplete: boolean): void {
    if (isComplete) return
    this.#aborted = true
    this.#controller?.abort()
  }
}

function initOf(req: IncomingMessage, res: ServerResponse): RequestInit {
  const init = { method: req.method ?? 'GET', headers: pairsOf(req) }
  return hasBody(req) ? { ...init, body: requestBody(req, res), duplex: 'half' } : init
}
