/** Parses the addresses of `bind`, and describes them in one form each. */
import { isIPv6 } from 'node:net'
import { resolve } from 'node:path'

export type Address =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly ipv6Only?: true }
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'fd'; readonly fd: number }

/** The longest path of a unix socket that all systems accept, in bytes. */
const maxPathBytes = 103

/**
 * Reads `PORT`, `HOST`, `HOST:PORT`, `:PORT`, `[V6]`, `[V6]:PORT`, `tcp://HOST:PORT`, `tcp6://[V6]:PORT`, `unix:PATH`
 * or `fd://N`. The default host is 0.0.0.0, or 127.0.0.1 for a port alone; the default port is 8000. `tcp6` accepts no
 * IPv4 connections. Relative paths start at `folder`.
 *
 * @throws RangeError whose message says what is wrong with the text
 */
export function parseBind(text: string, folder: string): Address {
  const trimmed = text.trim()
  if (/^fd:/i.test(trimmed)) return { kind: 'fd', fd: parseDescriptor(trimmed) }
  if (/^unix:/i.test(trimmed)) return { kind: 'unix', path: parsePath(trimmed.slice(5), folder) }
  if (/^tcp6:\/\//i.test(trimmed)) return parseIPv6Only(trimmed.slice(7))
  const address = trimmed.replace(/^tcp:\/\//i, '')
  const scheme = /^([a-z][a-z\d+.-]*):\/\//i.exec(address)?.[1]
  if (scheme)
    throw new RangeError(`has the scheme ${JSON.stringify(scheme)}: use tcp://, tcp6://, unix: or fd://`)
  return { kind: 'tcp', ...parseHostAndPort(address) }
}

function parseDescriptor(text: string): number {
  const [, digits] = /^fd:\/\/(\d+)$/i.exec(text) ?? []
  if (digits === undefined) throw new RangeError('is not fd://N with N the number of an open descriptor')
  return Number(digits)
}

function parsePath(text: string, folder: string): string {
  const path = text.replace(/^\/\//, '')
  if (path === '') throw new RangeError('has no path: write unix:PATH')
  if (path.includes('\0')) throw new RangeError('has a path with a NUL byte')
  const absolute = resolve(folder, path)
  const length = Buffer.byteLength(absolute)
  if (length > maxPathBytes) {
    throw new RangeError(
      `has a path of ${length} bytes: sockets take at most ${maxPathBytes}, so choose a shorter one`,
    )
  }
  return absolute
}

function parseIPv6Only(text: string): Address {
  const address = parseHostAndPort(text)
  if (isIPv6(address.host)) return { kind: 'tcp', ...address, ipv6Only: true }
  throw new RangeError(`has the scheme "tcp6" and no IPv6 address: write tcp6://[::]:${address.port}`)
}

function parseHostAndPort(address: string): { readonly host: string; readonly port: number } {
  // As a host, plain digits would be an address too: 3000 is 0.0.11.184.
  if (/^\d+$/.test(address)) return { host: '127.0.0.1', port: portFrom(address) }
  const parts = /^(?:\[(.*)\]|([^:[\]]*))(?::([^:]*))?$/.exec(address)
  if (parts === null) {
    const cure = isIPv6(address) ? `[${address}]:8000` : 'HOST:PORT, [V6]:PORT, unix:PATH or fd://N'
    throw new RangeError(`is not an address: write ${cure}`)
  }
  const [, bracketed, plain = '', port = '8000'] = parts
  if (bracketed !== undefined && !isIPv6(bracketed)) {
    throw new RangeError(`has ${JSON.stringify(bracketed)} in brackets, which is not an IPv6 address`)
  }
  if (/[\s/,]/.test(plain)) {
    throw new RangeError(
      `has the host ${JSON.stringify(plain)}: give several addresses as a list, paths as unix:PATH`,
    )
  }
  return { host: (bracketed ?? plain).toLowerCase() || '0.0.0.0', port: portFrom(port) }
}

function portFrom(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65535) return Number(text)
  throw new RangeError(`has the port ${JSON.stringify(text)}, which is not a number from 0 to 65535`)
}

export function describeAddress(address: Address): string {
  if (address.kind === 'fd') return `fd://${address.fd}`
  if (address.kind === 'unix') return `unix:${address.path}`
  return `${address.ipv6Only ? ipv6Scheme : ''}${hostAndPortText(address)}`
}

export function urlOf(address: { readonly host: string; readonly port: number }): string {
  return `http://${hostAndPortText(address)}`
}

function hostAndPortText({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** As in Go and netstat, `tcp6` takes no IPv4 connections. */
export const ipv6Scheme = 'tcp6://'
