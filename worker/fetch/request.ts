/** The Request of a fetch handler, made from a Node request. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { requestBody } from './body.ts'

/** The request cannot be expressed as a Request: a malformed Host, TRACE, a target that is not a URL. */
export class BadRequest extends Error {}

/** The characters of an authority; a slash or question mark in the Host would change the path. */
const authority = /^[\w\-.~!$&'()*+,;=%:[\]]+$/

/** The platform's class; its `signal` is an accessor, which the types hide. */
const BaseRequest: new (url: string, init: RequestInit) => Omit<Request, 'signal'> = Request

/**
 * A real Request, so that `new Request(request)` and `fetch(request)` accept it. Only its abort signal is created on
 * first access: one for every request would double the cost of construction.
 */
export class NodeRequest extends BaseRequest {
  #controller: AbortController | undefined
  #aborted = false

  constructor(req: IncomingMessage, res: ServerResponse) {
    try {
      super(urlOf(req), initOf(req, res))
    } catch (error) {
      throw new BadRequest(`${req.method} ${req.url} is not a valid Request`, { cause: error })
    }
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#aborted) this.#controller.abort()
    return this.#controller.signal
  }

  /** Call when the exchange is over; `isComplete` is false when the client left before the response was sent. */
  release(isComplete: boolean): void {
    if (isComplete) return
    this.#aborted = true
    this.#controller?.abort()
  }
}

function urlOf(req: IncomingMessage): string {
  // For an absolute target (RFC 9112, section 3.2.2), the host is in the header and the scheme is that of the
  // connection.
  const target = (req.url ?? '/').replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, '')
  const host = req.headers.host ?? req.headers[':authority'] ?? 'localhost'
  if (typeof host !== 'string' || !authority.test(host)) throw new TypeError(`${host} is not a host`)
  const { encrypted } = req.socket as { readonly encrypted?: boolean }
  const scheme = encrypted === true ? 'https' : 'http'
  return `${scheme}://${host}${target.startsWith('/') ? '' : '/'}${target}`
}

function initOf(req: IncomingMessage, res: ServerResponse): RequestInit {
  const method = req.method ?? 'GET'
  const headers = headersOf(req)
  if (method === 'GET' || method === 'HEAD' || !hasBody(req)) return { method, headers }
  return { method, headers, body: requestBody(req, res), duplex: 'half' }
}

function headersOf(req: IncomingMessage): [string, string][] {
  const { rawHeaders } = req
  const pairs: [string, string][] = []
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!
    // HTTP/2 carries the request line as headers such as `:path`.
    if (!name.startsWith(':')) pairs.push([name, rawHeaders[i + 1]!])
  }
  return pairs
}

function hasBody(req: IncomingMessage): boolean {
  if (req.httpVersionMajor >= 2) return !req.readableEnded
  return req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0
}
