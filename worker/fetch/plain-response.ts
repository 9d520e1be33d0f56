/**
 * A Response that is text, bytes or nothing, in a form that can be sent as it is. Node's own makes a stream of every
 * body, which costs more than all the rest of a small exchange.
 *
 * It turns into one of Node's as soon as more than status and headers are wanted of it.
 */

import { inheritMembers, isPlainObject, replaceGlobal } from './native-members.ts'

type Body = string | Uint8Array | undefined

/** What is sent; the names are in lower case, each with its value behind it. */
export interface Plain {
  readonly status: number
  readonly statusText: string
  readonly headers: readonly string[]
  readonly body: Body
}

type Arguments = ConstructorParameters<typeof Response>

const NativeResponse = globalThis.Response

/** The bodies of these are null (Fetch Standard). */
const withoutBody = [204, 205, 304]

const usualType = 'text/plain;charset=UTF-8'

class PlainResponse {
  #plain: Plain | undefined
  /** Those that were asked for before there was one of Node's: the app may change them at any time. */
  #headers: Headers | undefined
  #own: Response | undefined

  constructor(plain: Plain) {
    this.#plain = plain
  }

  /** What can be sent as it is; undefined of any other Response, and once Node's own has been made of it. */
  static plainOf(value: object): Plain | undefined {
    if (!(#plain in value) || value.#plain === undefined) return undefined
    const plain = value.#plain
    return value.#headers === undefined ? plain : { ...plain, headers: [...value.#headers].flat() }
  }

  #become(): Response {
    if (this.#plain !== undefined) {
      const { body, status, statusText, headers } = this.#plain
      this.#plain = undefined
      const own = new NativeResponse(body ?? null, {
        status,
        statusText,
        headers: pairs(headers),
      })
      this.#own = own
    }
    if (this.#headers !== undefined) replaceHeaders(this.#own as Response, this.#headers)
    return this.#own as Response
  }

  get status(): number {
    return this.#plain?.status ?? this.#become().status
  }

  get ok(): boolean {
    const { status } = this
    return status >= 200 && status < 300
  }

  get headers(): Headers {
    if (this.#headers === undefined && this.#plain === undefined) return this.#become().headers
    this.#headers ??= new Headers(pairs(this.#plain?.headers ?? []))
    return this.#headers
  }

  static toNative(value: unknown): unknown {
    return typeof value === 'object' && value !== null && #own in value ? value.#become() : value
  }

  static {
    inheritMembers(PlainResponse.prototype, NativeResponse.prototype, PlainResponse.toNative)
  }
}

/** The global `Response` while a fetch handler is served: Node's own, which makes what is plain in another way. */
const response: typeof Response = new Proxy(NativeResponse, {
  construct(target, [body, init]: Arguments, newTarget) {
    // A subclass has members of its own.
    const plain = newTarget === response ? plainOf(body, init) : undefined
    // Node's own says what is wrong, too.
    if (plain === undefined) return Reflect.construct(target, [body, init], newTarget) as object
    return new PlainResponse(plain)
  },
  get: (target, name, receiver) => (name === 'json' ? json : Reflect.get(target, name, receiver)),
})

function json(data: unknown, init: ResponseInit = {}): Response {
  const text = JSON.stringify(data)
  const plain = text === undefined ? undefined : plainOf(text, init, 'application/json')
  return plain === undefined
    ? NativeResponse.json(data, init)
    : (new PlainResponse(plain) as unknown as Response)
}

/** The parts of a Response that is plain and valid. */
function plainOf(body: Arguments[0], init: ResponseInit = {}, type?: string): Plain | undefined {
  const isBody = typeof body === 'string' || body instanceof Uint8Array || body === null || body === undefined
  if (!isBody || !isPlainObject(init)) return undefined
  const { status = 200, statusText = '', headers } = init
  const hasBody = body !== null && body !== undefined
  if (!Number.isInteger(status) || status < 200 || status > 599) return undefined
  if (statusText !== '' || (hasBody && withoutBody.includes(status))) return undefined
  const found = headers === undefined ? [] : fieldsOf(headers)
  if (found === undefined) return undefined
  const usual = type ?? (typeof body === 'string' ? usualType : undefined)
  if (usual !== undefined && !hasName(found, 'content-type')) found.push('content-type', usual)
  // What happens to the bytes later is not sent.
  const sent = typeof body === 'string' ? body : hasBody ? new Uint8Array(body) : undefined
  return { status, statusText, headers: found, body: sent }
}

/** Names and values as Headers would have them; undefined where it takes more than a look to know. */
function fieldsOf(headers: NonNullable<ResponseInit['headers']>): string[] | undefined {
  if (headers instanceof Headers) return [...headers].flat()
  if (!isPlainObject(headers)) return undefined
  const found: string[] = []
  for (const name of Object.keys(headers)) {
    const value: unknown = (headers as Readonly<Record<string, unknown>>)[name]
    const lower = nameOf(name)
    if (lower === undefined || typeof value !== 'string' || !fieldValue.test(value)) return undefined
    if (found.length > 0 && hasName(found, lower)) return undefined
    found.push(lower, value)
  }
  return found
}

function hasName(fields: readonly string[], name: string): boolean {
  for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) return true
  return false
}

/** Apps have few names, and use them all the time. */
const names = new Map<string, string>()
const mostNames = 1_000

/** In lower case; undefined if it cannot be one. */
function nameOf(name: string): string | undefined {
  const known = names.get(name)
  if (known !== undefined) return known
  if (!token.test(name)) return undefined
  const lower = name.toLowerCase()
  if (names.size < mostNames) names.set(name, lower)
  return lower
}

const token = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/

/** Without white space at its ends, which Headers would remove. */
const fieldValue = /^(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?$/

/** Makes the headers of one those of the other. */
function replaceHeaders({ headers }: Response, wanted: Headers): void {
  for (const name of [...headers.keys()]) headers.delete(name)
  for (const [name, value] of wanted) headers.append(name, value)
}

function pairs(fields: readonly string[]): [string, string][] {
  return fields.flatMap((name, i) => (i % 2 === 0 ? [[name, fields[i + 1]!]] : []))
}

/** Makes it the global `Response`, unless the app has put another there: those that are made of Node's derive from it. */
export function usePlainResponses(): void {
  if (Object.getPrototypeOf(NativeResponse) === Function.prototype)
    replaceGlobal('Response', NativeResponse, response)
}

/** What can be sent as it is, if anything. */
export const { plainOf: plainResponse } = PlainResponse
