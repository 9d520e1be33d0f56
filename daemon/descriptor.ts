/** What an inherited descriptor is: Node has no call that tells the address of a socket it does not listen on. */
import { fstatSync, readFileSync, readlinkSync } from 'node:fs'
import { endianness } from 'node:os'

/** A listening socket that somebody else opened. */
export type Endpoint =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

/** Where the socket listens. Throws when the descriptor is not open, or is no listening socket. */
export function endpointOf(fd: number): Endpoint | undefined {
  if (!isSocket(fd)) throw new RangeError(`descriptor ${fd} is not an open socket`)
  const inode = inodeOf(fd)
  // No /proc: systems other than Linux. The socket is taken as it is.
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

/** The number of a socket in the tables of the kernel. */
export function inodeOf(fd: number): string | undefined {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1]
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

const listening = '0A'

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
    // The flag __SO_ACCEPTCON: it listens.
    if (found === inode && (Number.parseInt(flags, 16) & 0x10000) !== 0)
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
  // The shortest form, as everybody writes it.
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}
