/**
 * The Request of a fetch handler, without one of Node's. Method, URL, single headers, signal and the whole body are
 * those of the Node request; it turns into a native Request as soon as more is wanted of it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isClientGone, isComplete } from '../http/response.ts'
import { onResponseEnd } from '../http/response-end.ts'
import { BadRequest } from './bad-request.ts'
import { hasBody, requestBody, wholeBody } from './body.ts'
import { nativeRequest, takeNatives } from './early.ts'
import { LightHeaders, useLightHeaders } from './light-headers.ts'
import { inheritMembers } from './native-members.ts'
import { pairsOf } from './raw-headers.ts'
import { urlOf } from './url.ts'

const NativeRequest = nativeRequest()

/** Node's own writes these as they are. */
const usualMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

export class LightRequest {
  readonly #incoming: IncomingMessage
  readonly #outgoing: ServerResponse
  #method: string
  readonly #url: string
  #headers: LightHeaders | undefined
  #controller: AbortController | undefined
  /** The whole body is read, or being read, without a native Request. */
  #isRead = false
  #native: Request | undefined

  /** @throws BadRequest */
  constructor(incoming: IncomingMessage, outgoing: ServerResponse) {
    this.#incoming = incoming
    this.#outgoing = outgoing
    this.#method = incoming.method ?? 'GET'
    try {
      this.#url = urlOf(incoming)
      // Node's own knows what else may be a method.
      if (!usualMethods.has(this.#method)) this.#method = this.#become().method
    } catch (error) {
      throw new BadRequest(`${incoming.method} ${incoming.url} is not a valid Request`, { cause: error })
    }
  }

  static toNative(value: unknown): unknown {
    return typeof value === 'object' && value !== null && #native in value ? value.#become() : value
  }

  get method(): string {
    return this.#method
  }

  get url(): string {
    return this.#url
  }

  get headers(): Headers {
    if (this.#headers === undefined && this.#native !== undefined) return this.#native.headers
    this.#headers ??= new LightHeaders(this.#incoming)
    return this.#headers as unknown as Headers
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      const abort = () => {
        if (!isComplete(this.#outgoing)) this.#controller?.abort()
      }
      if (isClientGone(this.#outgoing)) abort()
      else onResponseEnd(this.#incoming, this.#outgoing, abort)
    }
    return this.#controller.signal
  }

  get body(): ReadableStream<Uint8Array> | null {
    const isNone = this.#native === undefined && !this.#isRead && !hasBody(this.#incoming)
    return isNone ? null : this.#become().body
  }

  get bodyUsed(): boolean {
    return this.#native === undefined ? this.#isRead : this.#native.bodyUsed
  }

  text(): Promise<string> {
    return this.#read()?.then(decode) ?? this.#become().text()
  }

  json(): Promise<unknown> {
    return this.#read()?.then(parse) ?? this.#become().json()
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return this.#read()?.then(copy) ?? this.#become().arrayBuffer()
  }

  /** Undefined where a native Request has the body, or knows why it cannot be read. */
  #read(): Promise<Buffer> | undefined {
    if (this.#native !== undefined || this.#isRead || !hasBody(this.#incoming)) return undefined
    this.#isRead = true
    return wholeBody(this.#incoming, this.#outgoing)
  }

  #become(): Request {
    if (this.#native !== undefined) return this.#native
    const headers = this.#headers
    const native = new NativeRequest(this.#url, {
      method: this.#method,
      headers: (headers && LightHeaders.nativeOf(headers)) ?? pairsOf(this.#incoming),
      signal: this.signal,
      ...this.#bodyInit(),
    })
    if (headers !== undefined) LightHeaders.follow(headers, native.headers)
    // This makes it used.
    if (this.#isRead) void native.arrayBuffer()
    this.#native = native
    return native
  }

  #bodyInit(): Pick<RequestInit, 'body' | 'duplex'> {
    if (this.#isRead) return { body: new Uint8Array() }
    if (!hasBody(this.#incoming)) return {}
    return { body: requestBody(this.#incoming, this.#outgoing), duplex: 'half' }
  }
}

/** The bytes are UTF-8 whatever the headers say (Fetch Standard); a byte order mark is left out. */
const utf8 = new TextDecoder()

function decode(body: Buffer): string {
  return utf8.decode(body)
}

function parse(body: Buffer): unknown {
  return JSON.parse(utf8.decode(body))
}

/** The memory of small Buffers is shared with others. */
function copy(body: Buffer): ArrayBuffer {
  return new Uint8Array(body).buffer
}

let isInUse = false

/** Has Node take them for its own; call before one is made. */
export function useLightRequests(): void {
  if (isInUse) return
  isInUse = true
  useLightHeaders()
  inheritMembers(LightRequest.prototype, NativeRequest.prototype, LightRequest.toNative)
  takeNatives(LightRequest.toNative)
}
