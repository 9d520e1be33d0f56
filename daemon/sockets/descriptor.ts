/**
 * Finds out what an inherited descriptor is: Node cannot tell the address of a socket that it does not listen on
 * itself.
 */
import { fstatSync, readFileSync, readlinkSync } from 'node:fs'
import { endianness } from 'node:os'

/** A listening socket that another process opened. */
export type Endpoint =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

/** Where the socket listens. Throws if the descriptor is not open, or not a listening socket. */
export function endpointOf(fd: number): Endpoint | undefined {
  if (!isSocket(fd)) throw new RangeError(`descriptor ${fd} is not an open socket`)
  const inode = inodeOf(fd)
  // No /proc: not Linux. The socket is accepted unchecked.
  if (inode === undefined) return undefined
  const endpoint = tcpEndpoint('tcp', inode) ?? tcpEndpoint('tcp6', inode) ?? unixEndpoint(inode)
  if (endpoint === undefined) throw new RangeError(`descriptor ${fd} is a socket that does not listen`)
  return endpoint
}

function isSocket(fd: number): boolean {
  try {
    return fstatSync(fd).isSocket()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EBADF') return false
    throw error
  }
}

/** The inode of a socket, as in the tables of the kernel. */
export function inodeOf(fd: number): string | undefined {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1]
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** The inodes of the sockets whose listening keeps others from this place; none if the system does not tell. */
export function listeningAt(place: Endpoint): string[] {
  if (place.kind === 'unix') {
    return rowsIfAny('unix').flatMap(line => {
      const [, , , flags = '', , , inode = '', path] = line.split(/\s+/)
      return path === place.path && (Number.parseInt(flags, 16) & accepting) !== 0 ? [inode] : []
    })
  }
  const port = place.port.toString(16).toUpperCase().padStart(4, '0')
  return [...rowsIfAny('tcp'), ...rowsIfAny('tcp6')].flatMap(line => {
    const [, local = '', , state, , , , , , inode = ''] = line.split(/\s+/)
    if (state !== listening || !local.endsWith(`:${port}`)) return []
    const host = readAddress(local.split(':')[0] as string)
    return host === place.host || isAny(host) || isAny(place.host) ? [inode] : []
  })
}

function isAny(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

const listening = '0A'

/** The flag __SO_ACCEPTCON of a unix socket that listens. */
const accepting = 0x10000

function tcpEndpoint(table: 'tcp' | 'tcp6', inode: string): Endpoint | undefined {
  for (const line of rows(table)) {
    const [, local = '', , state, , , , , , found] = line.split(/\s+/)
    if (found !== inode || state !== listening) continue
    const [address = '', port = ''] = local.split(':')
    return { kind: 'tcp', host: readAddress(address), port: Number.parseInt(port, 16) }
  }
  return undefined
}

function unixEndpoint(inode: string): Endpoint | undefined {
  for (const line of rows('unix')) {
    const [, , , flags = '', , , found, path] = line.split(/\s+/)
    if (found === inode && (Number.parseInt(flags, 16) & accepting) !== 0)
      return { kind: 'unix', path: path ?? '' }
  }
  return undefined
}

function rows(table: string): string[] {
  return readFileSync(`/proc/self/net/${table}`, 'utf8')
    .split('\n')
    .slice(1)
    .map(line => line.trim())
}

/** No /proc: not Linux; no table: a kernel without IPv6. */
function rowsIfAny(table: string): string[] {
  try {
    return rows(table)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** The kernel prints an address as 32-bit words in the byte order of the machine. */
function readAddress(hex: string): string {
  const words = hex.match(/.{8}/g) ?? []
  const bytes = words.flatMap(word => {
    const found = word.match(/../g)?.map(byte => Number.parseInt(byte, 16)) ?? []
    return endianness() === 'LE' ? found.reverse() : found
  })
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
  )
  // The shortest form, which is the usual one.
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}
