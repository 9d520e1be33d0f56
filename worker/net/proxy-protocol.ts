/**
 * The header that a proxy sends before anything else, with the address of its client: the PROXY protocol of HAProxy,
 * versions 1 and 2.
 */
import { isIPv4, isIPv6 } from 'node:net'

export interface Source {
  readonly address: string
  readonly port: number
}

export type Header =
  /** What has come so far may become a header. */
  | { readonly kind: 'unfinished' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'malformed' }
  /** `source` is absent where the proxy speaks for itself, or of a client without an address. */
  | { readonly kind: 'header'; readonly length: number; readonly source?: Source }

/** The first bytes of version 1 and of version 2. */
const text = Buffer.from('PROXY ')
const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')

/** Section 2.1: the longest line of version 1, with its line end. */
const longestLine = 107

/** Reads the first bytes of a connection. */
export function readHeader(bytes: Buffer, versions: readonly ('v1' | 'v2')[]): Header {
  if (versions.includes('v1') && startsAlike(bytes, text)) return readLine(bytes)
  if (versions.includes('v2') && startsAlike(bytes, signature)) return readBinary(bytes)
  return { kind: 'absent' }
}

function startsAlike(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length)
  return bytes.compare(start, 0, length, 0, length) === 0
}

function readLine(bytes: Buffer): Header {
  const end = bytes.indexOf('\r\n')
  if (end === -1 || end + 2 > longestLine)
    return { kind: bytes.length < longestLine && end === -1 ? 'unfinished' : 'malformed' }
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
function readBinary(bytes: Buffer): Header {
  const head = signature.length + 4
  if (bytes.length < head) return { kind: 'unfinished' }
  const command = bytes[12] as number
  const family = bytes[13] as number
  const length = head + bytes.readUInt16BE(14)
  if (command !== 0x20 && command !== 0x21) return { kind: 'malformed' }
  if (bytes.length < length) return { kind: 'unfinished' }
  // The command LOCAL, the family UNSPEC, and a unix socket: what follows says nothing about an address.
  if (command === 0x20 || family === 0x00 || family === 0x31) return { kind: 'header', length }
  const width = family === 0x11 ? 4 : family === 0x21 ? 16 : 0
  if (width === 0 || length < head + 2 * width + 4) return { kind: 'malformed' }
  const address = bytes.subarray(head, head + width)
  const port = bytes.readUInt16BE(head + 2 * width)
  return { kind: 'header', length, source: { address: width === 4 ? v4(address) : v6(address), port } }
}

function v4(bytes: Buffer): string {
  return bytes.join('.')
}

function v6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, n) => bytes.readUInt16BE(2 * n).toString(16))
  // In the form that everybody else writes.
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}
