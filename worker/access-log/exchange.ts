/** One request and its response, as the access log sees them. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Outcome } from '../../hooks/access-entry.ts'
import { rejectionText } from '../http/rejection.ts'
import { hasExpired, wasTimedOut } from '../http/request-timeout.ts'
import { isComplete, streamOf } from '../http/response.ts'
import { wasStalled } from '../http/stalled.ts'
import type { Entry } from './format.ts'

/** Measurements that are only taken when the format prints them. */
export interface Needs {
  readonly address: boolean
  readonly bytes: boolean
  readonly responseHeaders: boolean
}

/** What a format with these atoms needs. */
export function needsOf(atoms: ReadonlySet<string>): Needs {
  const names = [...atoms]
  return {
    address: atoms.has('h') || names.some(name => /^\{remote_(addr|port)\}e$/i.test(name)),
    bytes: atoms.has('B') || atoms.has('b'),
    responseHeaders: names.some(name => name.endsWith('}o')),
  }
}

/** Where a response has its exchange. */
const exchangeKey = Symbol('exchange')

/** Measures a request and its response while they last. */
export class Exchange implements Entry {
  readonly request: IncomingMessage
  readonly remoteAddress: string = ''
  readonly remotePort: number | undefined
  status = 0
  outcome: Outcome = 'ok'
  bytes = 0
  duration = 0
  time = 0
  readonly #response: ServerResponse
  readonly #startedAt = performance.now()
  #sentHeaders: unknown
  #rejection: number | undefined
  /** Where the body is counted. */
  writeOfResponse: Writer['write'] | undefined
  endOfResponse: Writer['end'] | undefined
  /** False while the response waits for an earlier one (pipelining). */
  #isSent: boolean

  constructor(req: IncomingMessage, res: ServerResponse, needs: Needs) {
    this.request = req
    this.#response = res
    this.#isSent = res.socket !== null
    if (!this.#isSent) res.once('socket', () => (this.#isSent = true))
    if (needs.address) {
      // Now, because a closed socket has no address.
      this.remoteAddress = req.socket.remoteAddress ?? ''
      this.remotePort = req.socket.remotePort
    }
    if (needs.bytes) this.#countBody()
    if (needs.responseHeaders) this.#keepHeaders()
  }

  /** Notes that this status is sent instead of the response, if no part of that is on its way. */
  reject(status: number): void {
    if (!this.#response.headersSent) this.#rejection = status
  }

  /** Takes the final measurements. */
  end(): this {
    const response = this.#response
    this.status = this.#rejection ?? (this.#isSent ? statusOf(response) : clientClosedRequest)
    this.outcome = this.#rejection === undefined ? outcomeOf(response) : rejectionOutcome(this.#rejection)
    if (this.#rejection !== undefined || hasExpired(response)) this.bytes = rejectionText(this.status).length
    if (!this.#isSent || hasNoBody(this.request.method, this.status)) this.bytes = 0
    this.duration = performance.now() - this.#startedAt
    this.time = Date.now()
    return this
  }

  responseHeader(name: string): unknown {
    return this.#response.getHeader(name) ?? findHeader(this.#sentHeaders, name.toLowerCase())
  }

  /** No closures: this is done for every request. */
  #countBody(): void {
    const response = this.#response as unknown as Counted
    response[exchangeKey] = this
    this.writeOfResponse = response.write
    response.write = countedWrite
    // In the compatibility layer of HTTP/2, `end` calls `write`.
    if (this.request.httpVersionMajor >= 2) return
    this.endOfResponse = response.end
    response.end = countedEnd
  }

  /** Keeps the headers passed to `writeHead`, which `getHeader` does not know. */
  #keepHeaders(): void {
    const response = this.#response as Writer
    const { writeHead } = response
    response.writeHead = (...args) => {
      this.#sentHeaders = args.at(-1)
      return writeHead.apply(response, args)
    }
  }
}

/** The methods of a response without their overloads. */
interface Writer {
  readonly writableEnded: boolean
  write: (chunk: unknown, encoding: unknown, done: unknown) => unknown
  end: (chunk: unknown, encoding: unknown, done: unknown) => unknown
  writeHead: (...args: unknown[]) => unknown
}

interface Counted extends Writer {
  [exchangeKey]: Exchange
}

function countedWrite(this: Counted, chunk: unknown, encoding: unknown, done: unknown): unknown {
  const exchange = this[exchangeKey]
  if (!this.writableEnded) exchange.bytes += byteLength(chunk, encoding)
  return exchange.writeOfResponse?.call(this, chunk, encoding, done)
}

function countedEnd(this: Counted, chunk: unknown, encoding: unknown, done: unknown): unknown {
  const exchange = this[exchangeKey]
  if (!this.writableEnded) exchange.bytes += byteLength(chunk, encoding)
  return exchange.endOfResponse?.call(this, chunk, encoding, done)
}

function byteLength(chunk: unknown, encoding: unknown): number {
  if (typeof chunk === 'string') {
    return Buffer.byteLength(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
  }
  return chunk instanceof Uint8Array ? chunk.byteLength : 0
}

/** RFC 9110 section 6.4.1. */
function hasNoBody(method: string | undefined, status: number): boolean {
  return method === 'HEAD' || status === 204 || status === 304
}

/** Finds a header in what `writeHead` accepts: an object, pairs, or alternating names and values. */
function findHeader(headers: unknown, name: string): unknown {
  if (typeof headers !== 'object' || headers === null) return undefined
  const pairs = Array.isArray(headers) ? pairsOf(headers) : Object.entries(headers)
  return pairs.find(([key]) => String(key).toLowerCase() === name)?.[1]
}

function pairsOf(list: readonly unknown[]): (readonly unknown[])[] {
  if (Array.isArray(list[0])) return list as unknown[][]
  return list.flatMap((key, index) => (index % 2 === 0 ? [[key, list[index + 1]]] : []))
}

/** The status of a client that left before anything was sent, as in nginx. */
const clientClosedRequest = 499

function statusOf(response: ServerResponse): number {
  if (hasExpired(response)) return 503
  return response.headersSent ? response.statusCode : clientClosedRequest
}

function outcomeOf(response: ServerResponse): Outcome {
  if (wasTimedOut(response)) return 'timed out'
  // First, because Node 22 takes a response for finished when its socket is gone.
  if (wasStalled(streamOf(response) ?? response.req.socket)) return 'stalled'
  return isComplete(response) ? 'ok' : 'aborted'
}

/** The outcome of a rejected request. */
export function rejectionOutcome(status: number): Outcome {
  return status === 408 ? 'timed out' : 'refused'
}
