/**
 * The transport between accepted sockets and HTTP servers: TLS, HTTP/2, or both.
 *
 * The server stays an `http.Server` of tsicorn or of the app, and gets the connections whose protocol it speaks.
 */
import type { Socket } from 'node:net'
import type { HookCaller } from '../../hooks/run.ts'
import { isExpress } from '../app/adapters/listener.ts'
import { isHttp2, isSecure } from '../app/adapters/server.ts'
import type { AppServer } from '../http/types.ts'
import type { WorkerLog } from '../process/log.ts'
import type { TlsMaterial, WorkerSettings } from '../protocol/messages.ts'
import type { Connections } from './connections.ts'

export interface TransportParts {
  readonly settings: WorkerSettings
  readonly tls: TlsMaterial | undefined
  readonly hooks: HookCaller
  readonly connections: Connections
  readonly log: WorkerLog
}

export interface Transport {
  readonly hasTls: boolean
  /** Call before the server gets its first connection; `listener` handles its requests, where that is known. */
  attach(server: AppServer, listener?: unknown): void
  /** Uses this certificate for new connections. Rejects where it cannot be used. */
  renew(material: TlsMaterial): Promise<void>
}

export type Accept = (socket: Socket) => void

/** Rejects with `HookError` or `TlsFailed`. */
export async function createTransport(parts: TransportParts): Promise<Transport> {
  const { settings, tls: material, connections, log } = parts
  const protocols = settings.http_protocols
  const wantsHttp2 = material === undefined || protocols.includes('h2')
  const http2 = wantsHttp2 ? await import('./http2.ts') : undefined
  const tls = material && (await (await import('./tls.ts')).createTls({ ...parts, material }))
  const detectHttp2 =
    material === undefined ? (await import('../net/http2-preface.ts')).detectHttp2 : undefined
  const attached = new WeakSet<AppServer>()
  return {
    hasTls: tls !== undefined,
    attach(server, listener) {
      if (attached.has(server) || isSecure(server) || (tls === undefined && isHttp2(server))) return
      attached.add(server)
      const originals = server.listeners('connection')
      server.removeAllListeners('connection')
      const serve: Accept = socket => {
        for (const listener of originals) Reflect.apply(listener, server, [socket])
      }
      const listeners = [listener, ...server.listeners('request')]
      const serveHttp2: Accept = isHttp2(server)
        ? serve
        : (http2?.createSessions(server, {
            settings,
            connections,
            log,
            isExpress: listeners.some(isExpress),
          }) ?? serve)
      if (detectHttp2 !== undefined) {
        server.on('connection', socket => {
          detectHttp2(socket, isHttp2 => {
            // As in Node's own HTTP/2 servers: otherwise a client that leaves goes unnoticed.
            if (isHttp2) socket.allowHalfOpen = false
            if (isHttp2) serveHttp2(socket)
            else serve(socket)
          })
        })
      }
      if (tls === undefined) return
      const accept = tls.accept(socket => {
        connections.addSecure(socket)
        if (socket.alpnProtocol === 'h2') serveHttp2(socket)
        else if (protocols.includes('h1')) serve(socket)
        else rejectHttp1(socket)
      })
      server.on('connection', accept)
    },
    async renew(renewed) {
      await tls?.renew(renewed)
    },
  }
}

/** How long a rejected client may take to leave, in milliseconds. */
const rejectGraceMs = 5_000

/** Rejects a client without ALPN where only HTTP/2 is served; one with ALPN fails in the handshake. */
function rejectHttp1(socket: Socket): void {
  const leave = () => socket.destroy()
  socket.setTimeout(rejectGraceMs, leave).on('error', leave).resume().end(http2Only)
}

const http2Only = 'HTTP/1.1 505 HTTP Version Not Supported\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'
