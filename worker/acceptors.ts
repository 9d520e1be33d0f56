/**
 * What stands between the sockets that a worker accepts and the server of HTTP, where something has to: the PROXY
 * protocol, and the limit of `worker_connections`.
 */
import net, { type Socket } from 'node:net'
import type { AppServer } from './adapters/adapter.ts'
import type { Connections } from './connections.ts'
import type { WorkerLog } from './log.ts'
import type { WorkerSettings } from './protocol.ts'
import { readHeader, type Source } from './proxy-protocol.ts'
import { refuseSocket } from './refuse.ts'
import { createTrust } from './trust.ts'

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
  const waiting: Socket[] = []
  let sweep: NodeJS.Timeout | undefined
  const admit = () => {
    while (waiting.length > 0 && (connections.size < most || connections.isClosing)) enter(waiting.shift()!)
    if (waiting.length > 0) return
    clearInterval(sweep)
    sweep = undefined
    connections.crowd(false)
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
    if (sweep !== undefined) return
    log.warning(`worker_connections (${most}) is reached: new connections wait until others end`)
    connections.crowd(true)
    sweep = setInterval(() => {
      connections.endIdle(performance.now() - idleMs)
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
  return socket => {
    connections.add(socket)
    const refused = (status: number, why: string) => {
      log.warning(`Refused a connection of ${socket.remoteAddress ?? 'a unix socket'}: ${why}`)
      done()
      socket.on('error', ignore)
      refuseSocket(socket, status)
    }
    // A balancer that only wants to know whether somebody accepts.
    const leave = () => {
      done()
      socket.destroy()
    }
    const timer =
      timeout > 0
        ? setTimeout(() => refused(408, 'nothing came within header_timeout'), timeout * 1_000)
        : undefined
    let bytes: Buffer = Buffer.alloc(0)
    const done = () => {
      clearTimeout(timer)
      socket.off('readable', read).off('end', leave).off('error', ignore).off('close', done)
    }
    const read = () => {
      const chunk = socket.read() as Buffer | null
      if (chunk === null) return
      bytes = Buffer.concat([bytes, chunk])
      const reading = readHeader(bytes, versions)
      const isLong = bytes.length > longestHeader
      if (reading.kind === 'unfinished' && !isLong) return
      if (reading.kind === 'malformed' || reading.kind === 'unfinished')
        return refused(400, 'its PROXY header is malformed')
      if (reading.kind === 'absent' && mode === 'required') return refused(400, 'it has no PROXY header')
      if (reading.kind === 'header' && !trusts(socket.remoteAddress))
        return refused(403, 'its address is not in proxy_allow_ips')
      done()
      const rest = reading.kind === 'header' ? bytes.subarray(reading.length) : bytes
      if (reading.kind === 'header' && reading.source !== undefined) present(socket, reading.source)
      if (rest.length > 0) socket.unshift(rest)
      next(socket)
    }
    socket.on('readable', read).on('end', leave).on('error', ignore).on('close', done)
  }
}

function ignore(): void {
  // The close that follows says all there is to say.
}

/** For the application, the logs and everybody else who asks the socket. */
function present(socket: Socket, { address, port }: Source): void {
  Object.defineProperties(socket, {
    remoteAddress: { value: address },
    remotePort: { value: port },
    remoteFamily: { value: net.isIPv6(address) ? 'IPv6' : 'IPv4' },
  })
}
