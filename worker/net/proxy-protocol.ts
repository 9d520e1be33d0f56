/**
 * Parses PROXY protocol headers, versions 1 and 2: the address of the client, which a proxy sends before anything else.
 * Section numbers are those of HAProxy's proxy-protocol.txt.
 */
import { isIPv4, isIPv6 } from 'node:net'

export interface ProxySource {
  readonly address: string
  readonly port: number
}

export type ProxyHeader =
  /** What has arrived so far may become a header. */
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'malformed' }
  /** `source` is absent where the proxy speaks for itself, or for a client without an address. */
  | { readonly kind: 'header'; readonly length: number; readonly source?: ProxySource }

/** The first bytes of version 1 and of version 2. */
const prefix = Buffer.from('PROXY ')
const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')

/** Section 2.1: the longest line of version 1, with its line end. */
const maxLineBytes = 107

/** Parses the first bytes of a connection. */
export function readProxyHeader(bytes: Buffer, versions: readonly ('v1' | 'v2')[]): ProxyHeader {
  if (versions.includes('v1') && mayBeginWith(bytes, prefix)) return readVersion1(bytes)
  if (versions.includes('v2') && mayBeginWith(bytes, signature)) return readVersion2(bytes)
  return { kind: 'absent' }
}

function mayBeginWith(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length)
  return bytes.compare(start, 0, length, 0, length) === 0
}

function readVersion1(bytes: Buffer): ProxyHeader {
  const end = bytes.indexOf('\r\n')
  if (end === -1 || end + 2 > maxLineBytes)
    return { kind: bytes.length < maxLineBytes && end === -1 ? 'incomplete' : 'malformed' }
  const length = end + 2
  const [, family, ...fields] = bytes.toString('latin1', 0, end).split(' ')
  if (family === 'UNKNOWN') return { kind: 'header', length }
  const [address = '', destination = '', port = '', destinationPort = ''] = fields
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isIPv6 : () => false
  const isWhole = fields.length === 4 && [address, destination].every(one => isAddress(one))
  if (!isWhole || ![port, destinationPort].every(isPort)) return { kind: 'malformed' }
  return { kind: 'header', length, source: { address, port: Number(port) } }
}

function isPort(digits: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(digits) && Number(digits) <= 65_535
}

/** Section 2.2: signature, version and command, family and protocol, length of the rest. */
function readVersion2(bytes: Buffer): ProxyHeader {
  const head = signature.length + 4
  if (bytes.length < head) return { kind: 'incomplete' }
  const command = bytes[12] as number
  const family = bytes[13] as number
  const length = head + bytes.readUInt16BE(14)
  if (command !== 0x20 && command !== 0x21) return { kind: 'malformed' }
  if (bytes.length < length) return { kind: 'incomplete' }
  // The command LOCAL, the family UNSPEC, and a unix socket: what follows says nothing about an address.
  if (command === 0x20 || family === 0x00 || family === 0x31) return { kind: 'header', length }
  const width = family === 0x11 ? 4 : family === 0x21 ? 16 : 0
  if (width === 0 || length < head + 2 * width + 4) return { kind: 'malformed' }
  const address = bytes.subarray(head, head + width)
  const port = bytes.readUInt16BE(head + 2 * width)
  return {
    kind: 'header',
    length,
    source: { address: width === 4 ? formatIPv4(address) : formatIPv6(address), port },
  }
}

function formatIPv4(bytes: Buffer): string {
  return bytes.join('.')
}

function formatIPv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, n) => bytes.readUInt16BE(2 * n).toString(16))
  // Compressed and in small letters (RFC 5952), as everything else writes it.
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}
