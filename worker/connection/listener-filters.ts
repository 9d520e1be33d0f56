/**
 * Filters accepted connections before they reach the server of the app: one at a time, `worker_connections`, and the
 * PROXY protocol.
 */
import net, { type Socket } from 'node:net'
import { forward, isAppServer, isHttp2, shapeOf } from '../app/adapters/server.ts'
import { ignore, rejectSocket } from '../http/rejection.ts'
import { accepted } from '../net/emitted-connections.ts'
import { readFirstBytes } from '../net/first-bytes.ts'
import { describePeer } from '../net/peer.ts'
import { type ProxyHeader, type ProxySource, readProxyHeader } from '../net/proxy-protocol.ts'
import { createTrust } from '../net/trusted-peers.ts'
import type { WorkerLog } from '../process/log.ts'
import { AppError } from '../protocol/boot-error.ts'
import type { WorkerSettings } from '../protocol/messages.ts'
import { idleGraceMs } from './connection-state.ts'
import type { Connections } from './connections.ts'

type FilterSettings = Pick<
  WorkerSettings,
  'proxy_protocol' | 'proxy_allow_ips' | 'worker_connections' | 'header_timeout'
>

type Accept = (socket: Socket) => void

/** The longest version 2 header that is read, in bytes; the addresses need 52, the rest is for extensions. */
const maxHeaderBytes = 4_096

export interface ListenerFilter {
  /** Makes the server that accepts connections for this server, or for the one that has replaced it since. */
  front(server: net.Server, current?: () => net.Server): net.Server
  /** Filters the connections that this server accepts itself; call it before it listens. */
  install(server: net.Server): void
}

export function createListenerFilter(
  settings: FilterSettings,
  connections: Connections,
  log: WorkerLog,
): ListenerFilter {
  const { proxy_protocol: mode, worker_connections: limit } = settings
  const { turns } = connections
  const steps: ((next: Accept) => Accept)[] = []
  if (limit > 0) steps.push(next => limitConnections(limit, connections, log, next))
  if (mode !== 'off') steps.push(next => expectProxyHeader(settings, connections, log, next))
  const installed = new WeakSet<net.Server>()
  const filtered = (last: Accept) => steps.reduceRight((next, step) => step(next), last)
  const inTurn = (server: net.Server, first: Accept): Accept => {
    if (turns === undefined) return first
    turns.add(server)
    return socket => turns.accept(server, socket, first)
  }
  return {
    front(server, current = () => server) {
      const last: Accept = socket => forward(socket, current())
      const first = installed.has(server) ? last : filtered(last)
      if (turns !== undefined) refuseHttp2(server)
      const front: net.Server = net.createServer({ allowHalfOpen: true, noDelay: true }, socket =>
        accept(socket),
      )
      const accept = inTurn(front, first)
      return front
    },
    install(server) {
      if (installed.has(server)) return
      installed.add(server)
      if (turns !== undefined) refuseHttp2(server)
      const { emit } = server
      const first = inTurn(
        server,
        filtered(socket => void Reflect.apply(emit, server, ['connection', socket])),
      )
      // Before any listener hears of a connection, and counts it.
      const filter = (name: string, ...args: readonly unknown[]): boolean => {
        if (name !== 'connection') return Reflect.apply(emit, server, [name, ...args])
        Reflect.apply(emit, server, [accepted])
        first(args[0] as Socket)
        return true
      }
      Object.defineProperty(server, 'emit', { value: filter, configurable: true, writable: true })
    },
  }
}

/** @throws AppError where a connection would carry several requests at a time */
function refuseHttp2(server: net.Server): void {
  if (!isAppServer(server) || !isHttp2(server)) return
  throw new AppError(
    `worker_class "sync" has no HTTP/2, and the app serves with an ${shapeOf(server)}: let it use http or https, or take another worker_class`,
  )
}

/**
 * Connections beyond the limit wait, unread, until others end; meanwhile every response is the last one of its
 * connection.
 */
function limitConnections(limit: number, connections: Connections, log: WorkerLog, next: Accept): Accept {
  const owner = {}
  let waiting: Socket[] = []
  let sweep: NodeJS.Timeout | undefined
  const admit = () => {
    while (waiting.length > 0 && (connections.size < limit || connections.isClosing)) enter(waiting.shift()!)
    connections.setWaiting(waiting.length)
    if (waiting.length > 0) return
    clearInterval(sweep)
    sweep = undefined
    connections.setAtCapacity(false, owner)
  }
  const enter = (socket: Socket) => {
    // The client left while it waited.
    if (socket.destroyed) return
    // After the listener that counts connections, so that there is room.
    socket.once('close', () => setImmediate(admit))
    next(socket)
  }
  return socket => {
    if (connections.size < limit || connections.isClosing) return enter(socket)
    waiting.push(socket)
    socket.on('error', ignore)
    connections.setWaiting(waiting.length, socket)
    if (sweep !== undefined) return
    log.warning(`worker_connections (${limit}) is reached: new connections wait until others end`)
    connections.setAtCapacity(true, owner)
    sweep = setInterval(() => {
      connections.closeIdle(performance.now() - idleGraceMs)
      waiting = waiting.filter(({ destroyed }) => !destroyed)
      admit()
    }, sweepMs)
  }
}

/** How often idle connections are closed while others wait for their places, in milliseconds. */
const sweepMs = 100

/** Reads the PROXY header, and gives the socket the address of the client. */
function expectProxyHeader(
  settings: FilterSettings,
  connections: Connections,
  log: WorkerLog,
  next: Accept,
): Accept {
  const { proxy_protocol: mode, proxy_allow_ips: peers, header_timeout: timeout } = settings
  const versions = mode === 'v1' || mode === 'v2' ? [mode] : (['v1', 'v2'] as const)
  const trusts = createTrust(peers)
  const parse = (bytes: Buffer): ProxyHeader | undefined => {
    const header = readProxyHeader(bytes, versions)
    if (header.kind !== 'incomplete') return header
    return bytes.length > maxHeaderBytes ? { kind: 'malformed' } : undefined
  }
  return socket => {
    connections.add(socket)
    const reject = (status: number, why: string) => {
      connections.count('refused')
      log.warning(`Refused a connection of ${describePeer(socket)}: ${why}`)
      rejectSocket(socket, status)
    }
    readFirstBytes(socket, { parse, timeoutMs: timeout * 1_000, timedOut }, (header, bytes) => {
      if (header.kind === 'incomplete') return reject(408, 'nothing came within header_timeout')
      if (header.kind === 'malformed') return reject(400, 'its PROXY header is malformed')
      if (header.kind === 'absent' && mode === 'required') return reject(400, 'it has no PROXY header')
      if (header.kind === 'header' && !trusts(socket))
        return reject(403, 'its address is not in proxy_allow_ips')
      if (header.kind === 'header' && header.source !== undefined) setRemoteAddress(socket, header.source)
      const rest = header.kind === 'header' ? bytes.subarray(header.length) : bytes
      if (rest.length > 0) socket.unshift(rest)
      next(socket)
    })
  }
}

const timedOut: ProxyHeader = { kind: 'incomplete' }

/** For the app, the logs and everything else that asks the socket. */
function setRemoteAddress(socket: Socket, { address, port }: ProxySource): void {
  Object.defineProperties(socket, {
    remoteAddress: { value: address },
    remotePort: { value: port },
    remoteFamily: { value: net.isIPv6(address) ? 'IPv6' : 'IPv4' },
  })
}
