/** The headers of a Request: single ones are looked up in those of the Node request. */
import type { IncomingMessage } from 'node:http'
import { inheritMembers } from './native-members.ts'
import { pairsOf } from './raw-headers.ts'

const NativeHeaders = globalThis.Headers

/** Turns into a native one as soon as more is wanted than one header. */
export class LightHeaders {
  readonly #incoming: IncomingMessage
  #native: Headers | undefined

  constructor(incoming: IncomingMessage) {
    this.#incoming = incoming
  }

  /** The native one, if this has turned into it. */
  static nativeOf(headers: LightHeaders): Headers | undefined {
    return headers.#native
  }

  /** From now on, these are the headers of that native one. */
  static follow(headers: LightHeaders, native: Headers): void {
    headers.#native = native
  }

  static toNative(value: unknown): unknown {
    return typeof value === 'object' && value !== null && #native in value ? value.#become() : value
  }

  #become(): Headers {
    this.#native ??= new NativeHeaders(pairsOf(this.#incoming))
    return this.#native
  }

  get(...args: [name: string]): string | null {
    const found = this.#native === undefined ? lookUp(this.#incoming.rawHeaders, args[0]) : undefined
    return found === undefined ? this.#become().get(...args) : found
  }

  has(...args: [name: string]): boolean {
    const found = this.#native === undefined ? lookUp(this.#incoming.rawHeaders, args[0]) : undefined
    return found === undefined ? this.#become().has(...args) : found !== null
  }
}

const token = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/

/** The only header of that name, null where there is none, undefined where it takes more than a look to know. */
function lookUp(rawHeaders: readonly string[], name: unknown): string | null | undefined {
  // HTTP/2 carries the request line as headers such as `:path`.
  if (typeof name !== 'string' || name.startsWith(':')) return undefined
  const wanted = name.toLowerCase()
  let found: string | null = null
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const given = rawHeaders[i]!
    if (given.length !== wanted.length || (given !== wanted && given.toLowerCase() !== wanted)) continue
    if (found !== null) return undefined
    found = rawHeaders[i + 1]!
  }
  if (found === null) return token.test(name) ? null : undefined
  return hasSpaceAtEnds(found) ? undefined : found
}

function hasSpaceAtEnds(value: string): boolean {
  return value.charCodeAt(0) <= space || value.charCodeAt(value.length - 1) <= space
}

const space = 0x20

/** Has Node take them for its own. */
export function useLightHeaders(): void {
  inheritMembers(LightHeaders.prototype, NativeHeaders.prototype, LightHeaders.toNative)
}
