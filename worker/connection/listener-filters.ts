/**
 * What stands between the sockets that a worker accepts and the server of HTTP, where something has to: the PROXY
 * protocol, and the limit of `worker_connections`.
 */
import net, { type Socket } from 'node:net'
import { ignore, refuseSocket } from '../http/rejection.ts'
import type { AppServer } from '../http/types.ts'
import { readFirst } from '../net/first-bytes.ts'
import { nameOf } from '../net/peer.ts'
import { type Header, readHeader, type Source } from '../net/proxy-protocol.ts'
import { createTrust } from '../net/trusted-peers.ts'
import type { WorkerLog } from '../process/log.ts'
import type { WorkerSettings } from '../protocol/messages.ts'
import type { Connections } from './connections.ts'

type AcceptorSettings = Pick<
  WorkerSettings,
  'proxy_protocol' | 'proxy_allow_ips' | 'worker_connections' | 'header_timeout'
>

type Hand = (socket: Socket) => void

/** The longest header of version 2 that is read; the addresses need 52 bytes, the rest is for extensions. */
const longestHeader = 4_096

/** Makes a server that accepts for a server of HTTP. */
export type Acceptors = (server: AppServer) => net.Server

export function createAcceptors(
  settings: AcceptorSettings,
  connections: Connections,
  log: WorkerLog,
): Acceptors {
  const { proxy_protocol: mode, worker_connections: most } = settings
  const steps: ((next: Hand) => Hand)[] = []
  if (most > 0) steps.push(next => atMost(most, connections, log, next))
  if (mode !== 'off') steps.push(next => behindProxy(settings, connections, log, next))
  return server => {
    const last: Hand = socket => void server.emit('connection', socket)
    const first = steps.reduceRight((next, step) => step(next), last)
    return net.createServer({ allowHalfOpen: true, noDelay: true }, first)
  }
}

/** Further connections wait, unread, until one has ended; meanwhile every response is the last one of its connection. */
function atMost(most: number, connections: Connections, log: WorkerLog, next: Hand): Hand {
  const self = {}
  let waiting: Socket[] = []
  let sweep: NodeJS.Timeout | undefined
  const admit = () => {
    while (waiting.length > 0 && (connections.size < most || connections.isClosing)) enter(waiting.shift()!)
    connections.wait(waiting.length)
    if (waiting.length > 0) return
    clearInterval(sweep)
    sweep = undefined
    connections.crowd(false, self)
  }
  const enter = (socket: Socket) => {
    // Its client left while it waited.
    if (socket.destroyed) return
    // After the listener by which the connection is counted, so that there is room.
    socket.once('close', () => setImmediate(admit))
    next(socket)
  }
  return socket => {
    if (connections.size < most || connections.isClosing) return enter(socket)
    waiting.push(socket)
    socket.on('error', ignore)
    connections.wait(waiting.length, socket)
    if (sweep !== undefined) return
    log.warning(`worker_connections (${most}) is reached: new connections wait until others end`)
    connections.crowd(true, self)
    sweep = setInterval(() => {
      connections.endIdle(performance.now() - idleMs)
      waiting = waiting.filter(({ destroyed }) => !destroyed)
      admit()
    }, sweepMs)
  }
}

/** A connection that waits for a request is closed after so long, in milliseconds, while others wait for its place. */
const idleMs = 900
const sweepMs = 100

/** Reads the header of the PROXY protocol, and tells everybody the address of the client. */
function behindProxy(settings: AcceptorSettings, connections: Connections, log: WorkerLog, next: Hand): Hand {
  const { proxy_protocol: mode, proxy_allow_ips: peers, header_timeout: timeout } = settings
  const versions = mode === 'v1' || mode === 'v2' ? [mode] : (['v1', 'v2'] as const)
  const trusts = createTrust(peers)
  const understand = (bytes: Buffer): Header | undefined => {
    const header = readHeader(bytes, versions)
    if (header.kind !== 'unfinished') return header
    return bytes.length > longestHeader ? { kind: 'malformed' } : undefined
  }
  return socket => {
    connections.add(socket)
    const refused = (status: number, why: string) => {
      log.warning(`Refused a connection of ${nameOf(socket)}: ${why}`)
      refuseSocket(socket, status)
    }
    readFirst(socket, { understand, limit: timeout * 1_000, late }, (header, bytes) => {
      if (header.kind === 'unfinished') return refused(408, 'nothing came within header_timeout')
      if (header.kind === 'malformed') return refused(400, 'its PROXY header is malformed')
      if (header.kind === 'absent' && mode === 'required') return refused(400, 'it has no PROXY header')
      if (header.kind === 'header' && !trusts(socket))
        return refused(403, 'its address is not in proxy_allow_ips')
      if (header.kind === 'header' && header.source !== undefined) present(socket, header.source)
      const rest = header.kind === 'header' ? bytes.subarray(header.length) : bytes
      if (rest.length > 0) socket.unshift(rest)
      next(socket)
    })
  }
}

const late: Header = { kind: 'unfinished' }

/** For the application, the logs and everybody else who asks the socket. */
function present(socket: Socket, { address, port }: Source): void {
  Object.defineProperties(socket, {
    remoteAddress: { value: address },
    remotePort: { value: port },
    remoteFamily: { value: net.isIPv6(address) ? 'IPv6' : 'IPv4' },
  })
}
