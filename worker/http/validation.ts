/**
 * What a request has to be like before the app sees it. Node's parser refuses most of what is malformed; this is where it
 * is laxer than RFC 9112, and where tsicorn has limits of its own.
 */
import { type IncomingMessage, METHODS } from 'node:http'
import { createTrust, type Trust } from '../net/trusted-peers.ts'
import type { WorkerSettings } from '../protocol/messages.ts'

/** The settings that requests are measured by. */
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

/** Why a request is not for the app. */
export interface Rejection {
  readonly status: number
  /** For the log; nothing of the request is in it. */
  readonly why: string
}

export type Validate = (req: IncomingMessage) => Rejection | undefined

/** The most bytes that the parser takes for the head of a request: all that the limits allow together. */
export function maxHeadBytes(rules: RequestRules): number {
  const line = rules.limit_request_line || maxParserBytes
  const all = line + maxFields(rules) * maxFieldBytes(rules) + 4
  return Math.min(Math.max(all, minHeadBytes), maxParserBytes)
}

/** Whatever the settings say, in bytes: the parser cannot tell what is too long, and what it refuses gets 431. */
const minHeadBytes = 2 ** 17
const maxParserBytes = 2 ** 20

/** What 0 stands for is the same as in Gunicorn. */
export function maxFields({
  limit_request_fields: most,
}: Pick<RequestRules, 'limit_request_fields'>): number {
  return most || 32_768
}

export function maxFieldBytes({ limit_request_field_size: widest }: RequestRules): number {
  return widest || 8_190
}

export function createValidator(rules: RequestRules): Validate {
  const { limit_request_line: longest, limit_request_body: biggest, header_map: policy } = rules
  const most = maxFields(rules)
  // The field as it was sent, with colon, space and line end.
  const widest = maxFieldBytes(rules) - ': \r\n'.length
  const trusts = createTrust(rules.forwarded_allow_ips)
  const kept = new Set(rules.forwarder_headers.map(name => name.toLowerCase()))
  const secure = Object.entries(rules.secure_scheme_headers).map(
    ([name, value]) => [name.toLowerCase(), value] as const,
  )

  return req => {
    const { rawHeaders } = req
    const isMessage = !isHttp2Request(req)
    const { method = '', url = '' } = req
    if (longest > 0 && method.length + url.length + ' HTTP/1.1\r\n'.length + 1 > longest)
      return { status: 414, why: 'the request line is longer than limit_request_line' }
    const wrong = isMessage ? checkRequestLine(req) : checkAuthority(req)
    if (wrong !== undefined) return wrong
    const others = isMessage ? 0 : rawHeaders.findIndex((name, n) => n % 2 === 0 && !name.startsWith(':'))
    if (rawHeaders.length - others > most * 2)
      return { status: 431, why: 'more fields than limit_request_fields' }
    let hosts = 0
    let types = 0
    let hasUnderscores = false
    for (let n = 0; n < rawHeaders.length; n += 2) {
      const name = rawHeaders[n] as string
      if (name.length + (rawHeaders[n + 1] as string).length > widest)
        return { status: 431, why: 'a field is longer than limit_request_field_size' }
      if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1
      else if (name.length === 12 && name.toLowerCase() === 'content-type') types += 1
      else if (name.includes('_')) hasUnderscores = true
    }
    if (hosts > 1) return { status: 400, why: 'several Host fields' }
    if (types > 1) return { status: 400, why: 'several Content-Type fields' }
    const { headers } = req
    if (headers.host !== undefined && !hostForm.test(headers.host))
      return { status: 400, why: 'the Host is malformed' }
    // Node looks for the word, and not for the value (RFC 9110, section 10.1.1).
    if (
      headers.expect !== undefined &&
      mentionsContinue.test(headers.expect) &&
      !isContinue.test(headers.expect)
    )
      return { status: 417, why: 'it expects what nobody fulfils' }
    const coding = headers['transfer-encoding']
    if (coding !== undefined && isMessage) {
      const wrong = checkTransferEncoding(req, coding)
      if (wrong !== undefined) return wrong
    }
    if (biggest > 0 && Number(headers['content-length'] ?? 0) > biggest)
      return { status: 413, why: 'the body is larger than limit_request_body' }
    if (hasUnderscores && policy !== 'dangerous') {
      const isKept = (name: string) => (kept.has('*') || kept.has(name.toLowerCase())) && trusts(req.socket)
      if (!mapUnderscores(req, isKept, policy))
        return { status: 400, why: 'a field has an underscore in its name' }
    }
    if (!tellScheme(req, secure, trusts)) return { status: 400, why: 'the scheme fields contradict' }
    if (isMessage && !url.startsWith('/')) takeHost(req)
    return undefined
  }
}

/** Whether this came in frames, and not as a message whose first line may say any version. */
export function isHttp2Request(req: IncomingMessage): boolean {
  return req.httpVersionMajor === 2 && 'stream' in req
}

/** RFC 3986, section 3.2: a host and a port, without a user. */
const hostForm = /^(?:[\w.~!$&'()*+,;=%-]*|\[[\da-f:.]+\])(?::\d*)?$/i

/** RFC 9112, section 3.2.2: a scheme, and an authority that names a host. */
const absoluteForm =
  /^[a-z][a-z\d+.-]*:\/\/(?:[^/?#@]*@)?((?:[\w.~!$&'()*+,;=%-]+|\[[\da-f:.]+\])(?::\d*)?)(?:[/?#]|$)/i

/** In the same section: the host of an absolute target counts, whatever the Host says. */
function takeHost({ url = '', headers, rawHeaders }: IncomingMessage): void {
  const [, host] = absoluteForm.exec(url) ?? []
  if (host === undefined || host === headers.host) return
  headers.host = host
  const at = rawHeaders.findIndex((name, n) => n % 2 === 0 && name.toLowerCase() === 'host')
  if (at === -1) rawHeaders.push('Host', host)
  else rawHeaders[at + 1] = host
}

/** RFC 9113, section 8.3.1: apps look for the host where HTTP/1.1 has it, and others have routed by the authority. */
function checkAuthority({ method, headers }: IncomingMessage): Rejection | undefined {
  if (method === 'CONNECT') return { status: 501, why: 'nobody listens for CONNECT' }
  const authority = headers[':authority'] as string | undefined
  headers.host ??= authority
  const isSame = authority === undefined || headers.host?.toLowerCase() === authority.toLowerCase()
  return isSame ? undefined : { status: 400, why: 'the Host is not the :authority' }
}

/** The parser knows those of RTSP, too, with the protocol of that name. */
const methods: ReadonlySet<string> = new Set(METHODS)

/** RFC 9112, sections 2.3 and 3.2. */
function checkRequestLine(req: IncomingMessage): Rejection | undefined {
  const { method = '', url = '', httpVersion } = req
  if (!methods.has(method)) return { status: 400, why: 'the method is not one of HTTP' }
  // To the parser, a line without a version is one of HTTP/0.9.
  if (httpVersion === '0.9') return { status: 400, why: 'the request line has no version of HTTP' }
  if (httpVersion !== '1.1' && httpVersion !== '1.0')
    return { status: 505, why: 'the version of HTTP is not supported' }
  if (req.headers.host === undefined && httpVersion === '1.1') return { status: 400, why: 'no Host' }
  if (url.startsWith('/')) return undefined
  const isFit = url === '*' ? method === 'OPTIONS' : absoluteForm.test(url)
  return isFit || method === 'CONNECT' ? undefined : { status: 400, why: 'the target is malformed' }
}

const mentionsContinue = /100-continue/i
const isContinue = /^100-continue$/i

const codings = ['identity', 'compress', 'x-compress', 'deflate', 'gzip', 'x-gzip']

/** RFC 9112, section 6.1. The parser has seen to it that chunked comes last, and without a Content-Length. */
function checkTransferEncoding(req: IncomingMessage, text: string): Rejection | undefined {
  if (req.httpVersionMinor === 0) return { status: 400, why: 'a Transfer-Encoding in HTTP/1.0' }
  const parts = text.toLowerCase().split(/[ \t]*,[ \t]*/)
  if (parts.pop() !== 'chunked' || parts.includes('chunked'))
    return { status: 400, why: 'the Transfer-Encoding is malformed' }
  const isKnown = parts.every(part => codings.includes(part))
  return isKnown ? undefined : { status: 501, why: 'the Transfer-Encoding is unknown' }
}

/** Takes out the fields that are not kept; false when one of them makes the request one to refuse. */
function mapUnderscores(
  req: IncomingMessage,
  isKept: (name: string) => boolean,
  policy: RequestRules['header_map'],
): boolean {
  const { rawHeaders, headers } = req
  for (let n = rawHeaders.length - 2; n >= 0; n -= 2) {
    const name = rawHeaders[n] as string
    if (!name.includes('_') || isKept(name)) continue
    if (policy === 'refuse') return false
    rawHeaders.splice(n, 2)
    delete headers[name.toLowerCase()]
  }
  return true
}

/**
 * What a trusted proxy says about its client's scheme is where every framework looks for it, on the socket; false when it
 * says two things.
 */
function tellScheme(
  req: IncomingMessage,
  secure: readonly (readonly [string, string])[],
  trusts: Trust,
): boolean {
  let scheme: boolean | undefined
  for (const [name, value] of secure) {
    for (const said of valuesOf(req, name)) {
      const isSecure = said === value
      if (scheme !== undefined && scheme !== isSecure) return !trusts(req.socket)
      scheme = isSecure
    }
  }
  const socket = req.socket as Proxied
  if (scheme === undefined) {
    // The request before this one may have had such a field.
    if (socket[spoken] === true) socket.encrypted = false
    return true
  }
  if (!trusts(socket)) return true
  if (socket[spoken] === undefined) socket[spoken] = socket.encrypted !== true
  if (socket[spoken]) socket.encrypted = scheme
  return true
}

/** Node joins the values of a field that comes several times, and drops some. */
function valuesOf({ headers, rawHeaders }: IncomingMessage, name: string): readonly unknown[] {
  const value = headers[name]
  if (value === undefined) return []
  const isOne = typeof value === 'string' && !value.includes(',')
  return isOne
    ? [value]
    : rawHeaders.filter((_, n) => n % 2 === 1 && rawHeaders[n - 1]?.toLowerCase() === name)
}

/** Whether the scheme is the proxy's to say: not where tsicorn itself speaks TLS. */
const spoken = Symbol('spoken')

type Proxied = IncomingMessage['socket'] & { encrypted?: boolean; [spoken]?: boolean }
