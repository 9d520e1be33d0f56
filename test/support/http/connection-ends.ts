/** Says what the kernel knows of both ends of a TCP connection, for requests that were never answered. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import type { Socket } from 'node:net'

/** The states that `/proc/net/tcp` shows for a connection. */
const states: Readonly<Record<string, string>> = {
  '01': 'established',
  '03': 'half open',
  '04': 'closing',
  '05': 'closing',
  '06': 'closed',
  '08': 'half closed by the other end',
  '09': 'closing',
}

/** One phrase; the kernel shows a connection that nobody has accepted yet without a file. */
export function describeFarEnd(clientPort: number | undefined, serverPort: number | undefined): string {
  if (clientPort === undefined || serverPort === undefined) return 'no connection'
  const row = rows().find(({ local, remote }) => local === serverPort && remote === clientPort)
  if (row === undefined) return 'the server has no such connection'
  // A connection that the server has closed has no file any more, like one that it has not accepted.
  const holder =
    row.inode === '0' ? 'held by no process' : `held by ${holdersOf(row.inode).join(', ') || 'nobody'}`
  return `the server's end is ${states[row.state] ?? row.state}, ${holder}, ${row.unread} bytes unread`
}

/** One phrase: what the client's kernel has for it, and which events its event loop is registered for. */
export function describeNearEnd(socket: Socket, serverPort: number | undefined): string {
  const { connecting, bytesWritten, bytesRead, localPort } = socket
  const row = rows().find(({ local, remote }) => local === localPort && remote === serverPort)
  const kernel =
    row === undefined
      ? 'unknown to the kernel'
      : `${states[row.state] ?? row.state}, ${row.unread} bytes unread`
  const { fd } = (socket as unknown as { readonly _handle?: { readonly fd: number } })._handle ?? { fd: -1 }
  const seen = `${connecting ? 'connecting' : 'connected'}, ${bytesWritten} bytes written, ${bytesRead} read`
  return `the client's end is ${kernel}; the client sees it as ${seen}, and waits for ${eventsOf(fd)} on descriptor ${fd}`
}

/** The events of `epoll_ctl(2)` that this process waits for on a descriptor, in hexadecimal. */
function eventsOf(descriptor: number): string {
  const registered = new RegExp(`^tfd: +${descriptor} events: +(\\w+)`, 'm')
  const found = readdirSync('/proc/self/fdinfo').flatMap(fd => registered.exec(infoOf(fd))?.[1] ?? [])
  return found.join(', ') || 'nothing'
}

/** Empty for a descriptor that was closed meanwhile. */
function infoOf(descriptor: string): string {
  try {
    return readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1')
  } catch {
    return ''
  }
}

function rows() {
  const lines = readFileSync('/proc/net/tcp', 'latin1').trim().split('\n').slice(1)
  return lines.map(line => {
    const [, local = '', remote = '', state = '', queues = '', , , , , inode = ''] = line.trim().split(/\s+/)
    return {
      local: portOf(local),
      remote: portOf(remote),
      state,
      unread: Number.parseInt(queues.split(':')[1] ?? '0', 16),
      inode,
    }
  })
}

function portOf(address: string): number {
  return Number.parseInt(address.split(':')[1] ?? '', 16)
}

function holdersOf(inode: string): string[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(pid => linksOf(pid).includes(`socket:[${inode}]`))
}

/** Empty for a process that is gone, or belongs to somebody else. */
function linksOf(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map(fd => readlinkSync(`/proc/${pid}/fd/${fd}`))
  } catch {
    return []
  }
}
