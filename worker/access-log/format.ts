/** Compiles Gunicorn's access log format: `%(atom)s` is a value, `%%` a percent sign, everything else is literal. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Outcome } from '../../hooks/access-entry.ts'
import { targetOf } from '../net/mount.ts'

/** Everything that a line can show about one request. */
export interface Entry {
  /** Absent when the request was rejected before it could be parsed. */
  readonly request?: {
    readonly method?: string | undefined
    readonly url?: string | undefined
    readonly httpVersion: string
    readonly headers: IncomingHttpHeaders
  }
  /** The client's address; empty for a unix socket. */
  readonly remoteAddress: string
  readonly remotePort?: number | undefined
  readonly status: number
  readonly outcome: Outcome
  /** Bytes of the response body, without chunk framing. */
  readonly bytes: number
  /** Milliseconds from the head of the request to the end of the response. */
  readonly duration: number
  /** Milliseconds since 1970, when the response ended. */
  readonly time: number
  /** A response header, by its lower-case name. */
  responseHeader(name: string): unknown
}

type Print = (entry: Entry) => string

/**
 * Compiles a format once; throws for a stray percent sign. Unknown atoms print `-`, as in Gunicorn.
 *
 * Values come from the network and must not forge a line or a field: `"` and `\` get a backslash, and every byte
 * outside of printable ASCII is written as `\xHH`.
 */
export function compileFormat(format: string): Print {
  const parts = parseFormat(format).map(({ literal, atom }) => ({ literal, print: printerOf(atom) }))
  return entry => {
    let line = ''
    for (const { literal, print } of parts) line += literal + print(entry)
    return line
  }
}

/** The names of the atoms in a format, so that only what is printed is measured. */
export function atomsOf(format: string): ReadonlySet<string> {
  return new Set(parseFormat(format).map(({ atom }) => atom))
}

interface Part {
  /** The text before the atom. */
  readonly literal: string
  /** Empty in the last part. */
  readonly atom: string
}

function parseFormat(format: string): Part[] {
  const parts: Part[] = []
  let literal = ''
  let end = 0
  for (const match of format.matchAll(/%(?:(%)|\(([^)]*)\)[sd])?/g)) {
    literal += format.slice(end, match.index)
    end = match.index + match[0].length
    if (match[1] !== undefined) literal += '%'
    else if (match[2] === undefined) throw new Error(strayPercent(format, match.index))
    else {
      parts.push({ literal, atom: match[2] })
      literal = ''
    }
  }
  parts.push({ literal: literal + format.slice(end), atom: '' })
  return parts
}

function strayPercent(format: string, index: number): string {
  const found = JSON.stringify(format.slice(index, index + 12))
  return `access_log_format cannot be read at ${found}, character ${index + 1}: write %(name)s for a value or %% for a percent sign`
}

const atoms: Readonly<Record<string, Print>> = {
  h: ({ remoteAddress }) => remoteAddress || '-',
  l: () => '-',
  u: ({ request }) => userName(request?.headers.authorization),
  t: ({ time }) => localTime(time),
  r: ({ request }) =>
    request ? `${method(request)} ${escaped(targetOf(request) ?? '')} HTTP/${request.httpVersion}` : '-',
  m: ({ request }) => (request ? method(request) : '-'),
  U: ({ request }) => (request ? escaped(decoded(pathOf(targetOf(request)))) : '-'),
  q: ({ request }) => (request ? escaped(queryOf(targetOf(request))) : '-'),
  H: ({ request }) => (request ? `HTTP/${request.httpVersion}` : '-'),
  s: ({ status }) => String(status),
  B: ({ bytes }) => String(bytes),
  b: ({ bytes }) => String(bytes),
  f: ({ request }) => header(request?.headers.referer),
  a: ({ request }) => header(request?.headers['user-agent']),
  T: ({ duration }) => String(Math.floor(duration / 1000)),
  M: ({ duration }) => String(Math.floor(duration)),
  D: ({ duration }) => String(Math.floor(duration * 1000)),
  L: ({ duration }) => (duration / 1000).toFixed(6),
  p: () => `<${process.pid}>`,
  '': () => '',
}

function printerOf(atom: string): Print {
  const [, quotedName, kind] = /^\{(.*)\}([ioe])$/.exec(atom) ?? []
  const name = quotedName?.toLowerCase() ?? ''
  if (kind === 'i') return ({ request }) => header(request?.headers[name])
  if (kind === 'o') return entry => header(entry.responseHeader(name))
  if (kind === 'e') return variable(name.toUpperCase())
  return Object.hasOwn(atoms, atom) ? atoms[atom]! : () => '-'
}

/** A variable of CGI and WSGI about the request, else one of the process environment. */
function variable(name: string): Print {
  if (Object.hasOwn(requestVariables, name)) return requestVariables[name]!
  if (name.startsWith('HTTP_')) {
    const field = name.slice('HTTP_'.length).replaceAll('_', '-').toLowerCase()
    return ({ request }) => header(request?.headers[field])
  }
  return () => header(process.env[name] ?? process.env[name.toLowerCase()])
}

const requestVariables: Readonly<Record<string, Print>> = {
  REMOTE_ADDR: atoms.h!,
  REMOTE_PORT: ({ remotePort }) => header(remotePort),
  REQUEST_METHOD: atoms.m!,
  RAW_URI: ({ request }) => header(request && targetOf(request)),
  PATH_INFO: atoms.U!,
  QUERY_STRING: atoms.q!,
  SERVER_PROTOCOL: atoms.H!,
  CONTENT_TYPE: ({ request }) => header(request?.headers['content-type']),
  CONTENT_LENGTH: ({ request }) => header(request?.headers['content-length']),
}

function method(request: { readonly method?: string | undefined }): string {
  return escaped(request.method ?? '')
}

/** The path of a target, which may be absolute (`GET http://host/path`, RFC 9112, section 3.2.2). */
function pathOf(url = ''): string {
  const path = url.startsWith('/') ? url : url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '')
  const end = path.search(/[?#]/)
  return end === -1 ? path : path.slice(0, end)
}

function queryOf(url = ''): string {
  const start = url.indexOf('?')
  return start === -1 ? '' : url.slice(start + 1)
}

/** Percent-decoded, with one character for each byte. */
function decoded(path: string): string {
  if (!path.includes('%')) return path
  return path.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** Without spaces: the default format has no quotes around this field. */
function userName(authorization: string | undefined): string {
  const user = basicUser(authorization)
  return user === undefined ? '-' : escaped(user).replaceAll(' ', '\\x20')
}

/** The user of HTTP Basic credentials (RFC 7617), with one character for each byte. */
export function basicUser(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined
  const [, credentials = ''] = /^basic +(\S+)$/i.exec(authorization) ?? []
  const [user] = Buffer.from(credentials, 'base64').toString('latin1').split(':', 1)
  return user || undefined
}

function header(value: unknown): string {
  if (value === undefined || value === null) return '-'
  return escaped(Array.isArray(value) ? value.join(', ') : String(value))
}

const unsafe = /["\\]|[^ -~]/
const everyUnsafe = /["\\]|[^ -~]/gu

function escaped(value: string): string {
  return unsafe.test(value) ? value.replace(everyUnsafe, escapedCharacter) : value
}

/** Header values have one character for each byte; only the environment has characters above 255. */
function escapedCharacter(character: string): string {
  if (character === '"' || character === '\\') return `\\${character}`
  const encoding = character.codePointAt(0)! > 0xff ? 'utf8' : 'latin1'
  return [...Buffer.from(character, encoding)].map(byte => `\\x${hex(byte)}`).join('')
}

function hex(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, '0')
}

let cachedSecond = -1
let cachedTime = ''

/** `[01/Mar/2026:09:05:07 +0100]`, cached because most lines have the same second as the one before. */
function localTime(time: number): string {
  const second = Math.floor(time / 1000)
  if (second !== cachedSecond) {
    cachedSecond = second
    cachedTime = writeTime(new Date(time))
  }
  return cachedTime
}

function writeTime(date: Date): string {
  const day = `${two(date.getDate())}/${months[date.getMonth()]}/${date.getFullYear()}`
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')
  const east = -date.getTimezoneOffset()
  const zone = `${east < 0 ? '-' : '+'}${two(Math.floor(Math.abs(east) / 60))}${two(Math.abs(east) % 60)}`
  return `[${day}:${time} ${zone}]`
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

function two(value: number): string {
  return String(value).padStart(2, '0')
}
