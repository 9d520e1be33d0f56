/**
 * The Request of a fetch handler. Its method, its URL, its headers and its signal are those of the Node request; it turns
 * into a Request of Node's as soon as more is wanted of it, because making one costs more than all the rest of a small
 * exchange.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { requestBody } from './body.ts'
import { completeWith, isPlainObject, replaceGlobal, replaceHeaders } from './node-members.ts'

/** The request cannot be expressed as a Request: a malformed Host, TRACE, a target that is not a URL. */
export class BadRequest extends Error {}

type Arguments = [input: string | URL | Request, init?: RequestInit]

const PlatformRequest = globalThis.Request
const platformFetch = globalThis.fetch

/** The platform's class; its `signal` is an accessor, which the types hide. */
const BaseRequest: new (url: string, init: RequestInit) => Omit<Request, 'signal'> = PlatformRequest

/** One of Node's, but for the signal: one for every request would double the cost of construction. */
class NodeRequest extends BaseRequest {
  readonly #plain: PlainRequest

  constructor(plain: PlainRequest, init: RequestInit) {
    super(plain.url, init)
    this.#plain = plain
  }

  get signal(): AbortSignal {
    return this.#plain.signal
  }
}

export class PlainRequest {
  #method: string
  readonly #url: string
  readonly #incoming: IncomingMessage
  readonly #outgoing: ServerResponse
  /** Those that were asked for before there was one of Node's: the app may change them at any time. */
  #headers: Headers | undefined
  #own: NodeRequest | undefined
  #controller: AbortController | undefined
  #isAborted = false

  /** @throws BadRequest */
  constructor(incoming: IncomingMessage, outgoing: ServerResponse) {
    this.#incoming = incoming
    this.#outgoing = outgoing
    this.#method = incoming.method ?? 'GET'
    try {
      this.#url = urlOf(incoming)
      // Node's own knows what may be a method.
      if (!usualMethods.has(this.#method)) this.#method = this.#become().method
    } catch (error) {
      throw new BadRequest(`${incoming.method} ${incoming.url} is not a valid Request`, { cause: error })
    }
  }

  /** The arguments of `new Request` and `fetch` with one of Node's in its place, and its signal. */
  static ofNode([input, init]: Arguments): Arguments {
    if (typeof input !== 'object' || input === null || !(#own in input))
      return init === undefined ? [input] : [input, init]
    const isOpen = init === undefined || (isPlainObject(init) && init.signal === undefined)
    return [input.#become() as unknown as Request, isOpen ? { ...init, signal: input.signal } : init]
  }

  get method(): string {
    return this.#method
  }

  get url(): string {
    return this.#url
  }

  get headers(): Headers {
    if (this.#headers === undefined && this.#own !== undefined) return this.#own.headers
    this.#headers ??= new Headers(headersOf(this.#incoming))
    return this.#headers
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#isAborted) this.#controller.abort()
    return this.#controller.signal
  }

  get body(): ReadableStream<Uint8Array> | null {
    return this.#own === undefined && !hasBody(this.#incoming) ? null : this.#become().body
  }

  clone(): Request {
    return new PlatformRequest(this.#become().clone(), { signal: this.signal })
  }

  /** Call when the exchange is over; `isComplete` is false when the client left before the response was sent. */
  release(isComplete: boolean): void {
    if (isComplete) return
    this.#isAborted = true
    this.#controller?.abort()
  }

  #become(): NodeRequest {
    this.#own ??= new NodeRequest(this, this.#init())
    if (this.#headers !== undefined) replaceHeaders(this.#own, this.#headers)
    return this.#own
  }

  #init(): RequestInit {
    const init = { method: this.method, headers: headersOf(this.#incoming) }
    if (!hasBody(this.#incoming)) return init
    return { ...init, body: requestBody(this.#incoming, this.#outgoing), duplex: 'half' }
  }

  static {
    completeWith(PlainRequest.prototype, PlatformRequest.prototype, plain => plain.#become())
  }
}

/** Node's own writes these as they are. */
const usualMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** The characters of an authority; a slash or question mark in the Host would change the path. */
const authority = /^[\w\-.~!$&'()*+,;=%:[\]]+$/

/** A target that a URL has as it is. */
const usualTarget = /^\/[\w\-.~!$&()*+,;=:@%/?]*$/
const dotSegment = /\/(?:\.|%2e)/i

function urlOf(req: IncomingMessage): string {
  const target = targetOf(req.url)
  const host = req.headers.host ?? req.headers[':authority'] ?? 'localhost'
  if (typeof host !== 'string') throw new TypeError(`${host} is not a host`)
  const { encrypted } = req.socket as { readonly encrypted?: boolean }
  const url = `${originOf(encrypted === true ? 'https' : 'http', host)}${target}`
  return usualTarget.test(target) && !dotSegment.test(target) ? url : new URL(url).href
}

/** With a slash before it. */
function targetOf(url = '/'): string {
  if (url.startsWith('/')) return url
  // For an absolute target (RFC 9112, section 3.2.2), the host is in the header and the scheme is that of the
  // connection.
  const target = url.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, '')
  return target.startsWith('/') ? target : `/${target}`
}

/** As a URL has them: in lower case, without the usual port. Most requests have the host of the one before. */
const origins = new Map<string, string>()
const mostOrigins = 100

function originOf(scheme: string, host: string): string {
  const given = `${scheme}://${host}`
  const known = origins.get(given)
  if (known !== undefined) return known
  if (!authority.test(host)) throw new TypeError(`${host} is not a host`)
  const origin = new URL(given).href.slice(0, -1)
  if (origins.size >= mostOrigins) origins.clear()
  origins.set(given, origin)
  return origin
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
  if (req.method === 'GET' || req.method === 'HEAD') return false
  if (req.httpVersionMajor >= 2) return !req.readableEnded
  return req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0
}

/** Makes the platform accept plain requests where it wants its own. */
export function usePlainRequests(): void {
  const request = new Proxy(PlatformRequest, {
    construct: (target, args: Arguments, newTarget) =>
      Reflect.construct(target, PlainRequest.ofNode(args), newTarget) as object,
  })
  replaceGlobal('Request', PlatformRequest, request)
  const fetch = new Proxy(platformFetch, {
    apply: (target, self, args: Arguments) => Reflect.apply(target, self, PlainRequest.ofNode(args)),
  })
  replaceGlobal('fetch', platformFetch, fetch)
}
