/**
 * What stands between the sockets and the servers that answer: TLS, HTTP/2, or both.
 *
 * The server itself stays what it is, an `http.Server` of tsicorn or of the app, and gets the connections that its kind
 * speaks. Nothing of this is loaded where nobody asked for it.
 */
import type { Socket } from 'node:net'
import type { HookCaller } from '../../hooks/run.ts'
import { isExpress } from '../app/adapters/listener.ts'
import { isHttp2, isSecure } from '../app/adapters/server.ts'
import type { AppServer } from '../http/types.ts'
import type { WorkerLog } from '../process/log.ts'
import type { TlsMaterial, WorkerSettings } from '../protocol/messages.ts'
import type { Connections } from './connections.ts'

export interface FrontParts {
  readonly settings: WorkerSettings
  readonly tls: TlsMaterial | undefined
  readonly hooks: HookCaller
  readonly connections: Connections
  readonly log: WorkerLog
}

export interface Front {
  readonly hasTls: boolean
  /** To be called before the server takes its first connection; `listener` is what answers, where it is known. */
  stand(server: AppServer, listener?: unknown): void
  /** New connections are served with this certificate; the old ones go on. Rejects where it cannot be used. */
  renew(material: TlsMaterial): Promise<void>
}

export type Accept = (socket: Socket) => void

/** Rejects with `HookError` or `TlsFailed`. */
export async function createFront(parts: FrontParts): Promise<Front> {
  const { settings, tls: material, connections, log } = parts
  const protocols = settings.http_protocols
  const wantsHttp2 = material === undefined || protocols.includes('h2')
  const http2 = wantsHttp2 ? await import('./http2.ts') : undefined
  const tls = material && (await (await import('./tls.ts')).createTls({ ...parts, material }))
  const sniff = material === undefined ? (await import('../net/http2-preface.ts')).sniff : undefined
  const known = new WeakSet<AppServer>()
  return {
    hasTls: tls !== undefined,
    stand(server, listener) {
      if (known.has(server) || isSecure(server) || (tls === undefined && isHttp2(server))) return
      known.add(server)
      const own = server.listeners('connection')
      server.removeAllListeners('connection')
      const serve: Accept = socket => {
        for (const listener of own) Reflect.apply(listener, server, [socket])
      }
      const answers = [listener, ...server.listeners('request')]
      const serveHttp2: Accept = isHttp2(server)
        ? serve
        : (http2?.createSessions(server, {
            settings,
            connections,
            log,
            express: answers.some(isExpress),
          }) ?? serve)
      if (sniff !== undefined) {
        server.on('connection', socket => {
          sniff(socket, isHttp2 => {
            // As a server of HTTP/2 alone has it: else a client that leaves is not noticed.
            if (isHttp2) socket.allowHalfOpen = false
            if (isHttp2) serveHttp2(socket)
            else serve(socket)
          })
        })
      }
      if (tls === undefined) return
      const accept = tls.accept(socket => {
        connections.secure(socket)
        if (socket.alpnProtocol === 'h2') serveHttp2(socket)
        else if (protocols.includes('h1')) serve(socket)
        else turnAway(socket)
      })
      server.on('connection', accept)
    },
    async renew(renewed) {
      await tls?.renew(renewed)
    },
  }
}

/** How long a client that is turned away may take to leave, in milliseconds. */
const leaveMs = 5_000

/** A client that does not know how protocols are chosen; one that does was refused in the handshake. */
function turnAway(socket: Socket): void {
  const leave = () => socket.destroy()
  socket.setTimeout(leaveMs, leave).on('error', leave).resume().end(http2Only)
}

const http2Only = 'HTTP/1.1 505 HTTP Version Not Supported\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'
