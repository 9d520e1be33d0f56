/**
 * Validates requests before they reach the app: what Node's parser accepts and RFC 9112 does not, and the limits of
 * tsicorn. Nothing here changes a request.
 */
import { type IncomingMessage, METHODS } from 'node:http'
import { readScheme, type SchemeHeader } from '../net/forwarded-scheme.ts'
import type { Peer } from '../net/peer.ts'
import { createTrust } from '../net/trusted-peers.ts'
import type { WorkerSettings } from '../protocol/messages.ts'

/** The settings that requests are validated by. */
export type RequestRules = Pick<
  WorkerSettings,
  | 'limit_request_line'
  | 'limit_request_fields'
  | 'limit_request_field_size'
  | 'limit_request_body'
  | 'header_map'
  | 'forwarder_headers'
  | 'forwarded_allow_ips'
  | 'secure_scheme_headers'
>

/** Why a request does not reach the app. */
export interface Rejection {
  readonly status: number
  /** For the log; contains nothing from the request. */
  readonly why: string
}

/** Returns undefined for a valid request. */
export type Validate = (req: IncomingMessage) => Rejection | undefined

/** The longest head that the parser accepts, in bytes: all that the limits allow together. */
export function maxHeadBytes(rules: RequestRules): number {
  const line = rules.limit_request_line || maxParserBytes
  const all = line + maxFields(rules) * maxFieldBytes(rules) + 4
  return Math.min(Math.max(all, minParserBytes), maxParserBytes)
}

/** Bounds of that, whatever the settings say: the parser answers with 431 and cannot tell which part is too long. */
const minParserBytes = 2 ** 17
const maxParserBytes = 2 ** 20

/** 0 stands for the same number as in Gunicorn. */
export function maxFields({ limit_request_fields: max }: Pick<RequestRules, 'limit_request_fields'>): number {
  return max || 32_768
}

export function maxFieldBytes({ limit_request_field_size: max }: RequestRules): number {
  return max || 8_190
}

export function createValidator(rules: RequestRules): Validate {
  const { limit_request_line: maxLine, limit_request_body: maxBody, header_map: policy } = rules
  const maxCount = maxFields(rules)
  // The field as it was sent, with colon, space and line end.
  const maxLength = maxFieldBytes(rules) - ': \r\n'.length
  const trusts = createTrust(rules.forwarded_allow_ips)
  const keepsUnderscores = createForwarderHeaders(rules)
  const hasForbiddenName = ({ rawHeaders, socket }: IncomingMessage) =>
    rawHeaders.some((name, n) => n % 2 === 0 && name.includes('_') && !keepsUnderscores(name, socket))
  const schemeHeaders = schemeHeadersOf(rules)

  return req => {
    const { method = '', url = '', headers, rawHeaders } = req
    const isHttp2 = isHttp2Request(req)
    if (maxLine > 0 && method.length + url.length + ' HTTP/1.1\r\n'.length + 1 > maxLine)
      return { status: 414, why: 'the request line is longer than limit_request_line' }
    const rejection = isHttp2 ? checkAuthority(req) : checkRequestLine(req)
    if (rejection !== undefined) return rejection
    const pseudo = isHttp2 ? rawHeaders.findIndex((name, n) => n % 2 === 0 && !name.startsWith(':')) : 0
    if (rawHeaders.length - pseudo > maxCount * 2)
      return { status: 431, why: 'more fields than limit_request_fields' }
    let hosts = 0
    let types = 0
    for (let n = 0; n < rawHeaders.length; n += 2) {
      const name = rawHeaders[n] as string
      if (name.length + (rawHeaders[n + 1] as string).length > maxLength)
        return { status: 431, why: 'a field is longer than limit_request_field_size' }
      if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1
      else if (name.length === 12 && name.toLowerCase() === 'content-type') types += 1
    }
    if (hosts > 1) return { status: 400, why: 'several Host fields' }
    if (types > 1) return { status: 400, why: 'several Content-Type fields' }
    const host = hostOf(req, isHttp2)
    if (host !== undefined && !hostForm.test(host)) return { status: 400, why: 'the Host is malformed' }
    const { expect } = headers
    // Node looks for the word anywhere in the value (RFC 9110, section 10.1.1).
    if (expect !== undefined && mentionsContinue.test(expect) && !isContinue.test(expect))
      return unsupportedExpectation
    const coding = headers['transfer-encoding']
    if (coding !== undefined && !isHttp2) {
      const rejection = checkTransferEncoding(req, coding)
      if (rejection !== undefined) return rejection
    }
    if (maxBody > 0 && Number(headers['content-length'] ?? 0) > maxBody)
      return { status: 413, why: 'the body is larger than limit_request_body' }
    if (policy === 'refuse' && hasForbiddenName(req))
      return { status: 400, why: 'a field has an underscore in its name' }
    if (readScheme(req, schemeHeaders) === 'contradictory' && trusts(req.socket))
      return { status: 400, why: 'the scheme fields contradict' }
    return undefined
  }
}

export const unsupportedExpectation: Rejection = { status: 417, why: 'the expectation is not supported' }
export const unsupportedConnect: Rejection = { status: 501, why: 'CONNECT is not supported' }

/** Whether the request came over HTTP/2, whatever version an HTTP/1.1 request line may claim. */
export function isHttp2Request(req: IncomingMessage): boolean {
  return req.httpVersionMajor === 2 && 'stream' in req
}

/** The host of the headers: HTTP/2 has it in `:authority`, and may have a Host as well. */
export function hostOf({ headers }: Pick<IncomingMessage, 'headers'>, isHttp2: boolean): string | undefined {
  return headers.host ?? (isHttp2 ? (headers[':authority'] as string | undefined) : undefined)
}

/** Whether a header keeps the underscores in its name: trusted peers may send those of `forwarder_headers`. */
export function createForwarderHeaders(rules: RequestRules): (name: string, peer: Peer) => boolean {
  const trusts = createTrust(rules.forwarded_allow_ips)
  const names = new Set(rules.forwarder_headers.map(name => name.toLowerCase()))
  return (name, peer) => (names.has('*') || names.has(name.toLowerCase())) && trusts(peer)
}

/** The headers of `secure_scheme_headers`, but for those that `header_map` drops because of an underscore. */
export function schemeHeadersOf(rules: RequestRules): readonly SchemeHeader[] {
  const kept = rules.forwarder_headers.map(name => name.toLowerCase())
  const isUsed = (name: string) =>
    !name.includes('_') || rules.header_map === 'dangerous' || kept.includes('*') || kept.includes(name)
  return Object.entries(rules.secure_scheme_headers)
    .map(([name, secureValue]) => ({ name: name.toLowerCase(), secureValue }))
    .filter(({ name }) => isUsed(name))
}

/** RFC 3986, section 3.2: a host and a port, without a user. */
const hostForm = /^(?:[\w.~!$&'()*+,;=%-]*|\[[\da-f:.]+\])(?::\d*)?$/i

/** RFC 9112, section 3.2.2: a scheme, and an authority that names a host, which is the first group. */
export const absoluteForm =
  /^[a-z][a-z\d+.-]*:\/\/(?:[^/?#@]*@)?((?:[\w.~!$&'()*+,;=%-]+|\[[\da-f:.]+\])(?::\d*)?)(?:[/?#]|$)/i

/** RFC 9113, section 8.3.1: apps look for the host in Host, but proxies may have routed by the authority. */
function checkAuthority({ method, headers }: IncomingMessage): Rejection | undefined {
  if (method === 'CONNECT') return unsupportedConnect
  const authority = headers[':authority'] as string | undefined
  if (authority === undefined || headers.host === undefined) return undefined
  const isSame = headers.host.toLowerCase() === authority.toLowerCase()
  return isSame ? undefined : { status: 400, why: 'the Host is not the :authority' }
}

/** Node's parser also knows the methods of RTSP. */
const methods: ReadonlySet<string> = new Set(METHODS)

/** RFC 9112, sections 2.3 and 3.2. */
function checkRequestLine(req: IncomingMessage): Rejection | undefined {
  const { method = '', url = '', httpVersion } = req
  if (!methods.has(method)) return { status: 400, why: 'the method is not an HTTP method' }
  // To the parser, a line without a version is HTTP/0.9.
  if (httpVersion === '0.9') return { status: 400, why: 'the request line has no HTTP version' }
  if (httpVersion !== '1.1' && httpVersion !== '1.0')
    return { status: 505, why: 'the HTTP version is not supported' }
  if (req.headers.host === undefined && httpVersion === '1.1') return { status: 400, why: 'no Host' }
  if (url.startsWith('/')) return undefined
  const isValid = url === '*' ? method === 'OPTIONS' : absoluteForm.test(url)
  return isValid || method === 'CONNECT' ? undefined : { status: 400, why: 'the target is malformed' }
}

const mentionsContinue = /100-continue/i
const isContinue = /^100-continue$/i

const codings = ['identity', 'compress', 'x-compress', 'deflate', 'gzip', 'x-gzip']

/** RFC 9112, section 6.1. The parser has checked that chunked comes last, and without a Content-Length. */
function checkTransferEncoding(req: IncomingMessage, text: string): Rejection | undefined {
  if (req.httpVersionMinor === 0) return { status: 400, why: 'a Transfer-Encoding in HTTP/1.0' }
  const parts = text.toLowerCase().split(/[ \t]*,[ \t]*/)
  if (parts.pop() !== 'chunked' || parts.includes('chunked'))
    return { status: 400, why: 'the Transfer-Encoding is malformed' }
  const isKnown = parts.every(part => codings.includes(part))
  return isKnown ? undefined : { status: 501, why: 'the Transfer-Encoding is unknown' }
}
