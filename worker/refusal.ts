/** Requests that Node refuses by itself: the app never sees them, and the access log has to be told. */
import { subscribe } from 'node:diagnostics_channel'
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { AccessLog } from './access-log.ts'
import type { AppServer } from './adapters/adapter.ts'

/**
 * Logs what a server refuses: malformed requests (400), headers that are too large (431) or too late (408), and the like.
 *
 * An app that listens to `clientError` itself is not interfered with; what it answers is not known, and not logged.
 */
export function logRefusals(server: AppServer, accessLog: AccessLog): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: RefusedSocket) => {
    if (server.listenerCount('clientError') > 1) return
    const response = socket._httpMessage ?? undefined
    if (socket.writable && response?._headerSent !== true) {
      const status = statuses[error.code ?? ''] ?? malformed
      accessLog.refused(socket, status, response)
      socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n\r\n`)
    }
    socket.destroy(error)
  })
  subscribe('http.server.request.start', message => {
    const start = message as RequestStart
    if (start.server !== server || !isRefused(start)) return
    const { request, response } = start
    accessLog.watch(request, response)
    accessLog.refused(request.socket, malformed, response)
  })
}

/** A listener to `clientError` takes the place of what Node does: conditions and answers are the same as there. */
const statuses: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}
const malformed = 400

/** Node's own way to know whether a response is on its way: its answer must not land in the middle of it. */
interface RefusedSocket extends Socket {
  readonly _httpMessage?: (ServerResponse & { readonly _headerSent: boolean }) | null
}

interface RequestStart {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly server: AppServer & { readonly requireHostHeader?: boolean }
}

/** RFC 9112 section 3.2: a request of HTTP/1.1 without Host gets 400. */
function isRefused({ request, server }: RequestStart): boolean {
  const isCurrent = request.httpVersionMajor === 1 && request.httpVersionMinor === 1
  return isCurrent && request.headers.host === undefined && server.requireHostHeader === true
}
