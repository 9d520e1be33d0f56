/** Finds who holds the server's end of a TCP connection, for requests that were never answered. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** The states that `/proc/net/tcp` shows for a connection. */
const states: Readonly<Record<string, string>> = {
  '01': 'established',
  '03': 'half open',
  '04': 'closing',
  '05': 'closing',
  '06': 'closed',
  '08': 'half closed by the client',
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
