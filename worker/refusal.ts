/** Requests that Node refuses by itself: the app never sees them, and the logs have to be told. */
import { subscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { AccessLog } from './access-log.ts'
import type { AppServer } from './adapters/adapter.ts'
import { isRefused, type OnRefused, refuse, refuseSocket } from './refuse.ts'

export interface RefusalParts {
  readonly accessLog: AccessLog | undefined
  readonly onRefused: OnRefused
}

/**
 * Answers and logs what a server refuses: malformed requests (400), headers that are too large (431) or too late (408),
 * expectations that nobody fulfils (417), and the like.
 *
 * An app that listens to `clientError` or `checkExpectation` itself is not interfered with; what it answers is not known,
 * and not logged.
 */
export function watchRefusals(server: AppServer, { accessLog, onRefused }: RefusalParts): void {
  const waiting = new WeakSet<Socket>()
  server.on('clientError', (error: NodeJS.ErrnoException, socket: RefusedSocket) => {
    if (server.listenerCount('clientError') > 1 || isRefused(socket) || waiting.has(socket)) return
    answer(error, socket)
  })

  function answer(error: NodeJS.ErrnoException, socket: RefusedSocket): void {
    const response = socket._httpMessage ?? undefined
    if (socket.writable && response?.req.complete === true) {
      // The malformed request comes after this one, whose response comes first.
      waiting.add(socket)
      return void response.once('close', () => setImmediate(answer, error, socket))
    }
    if (!socket.writable || response?._headerSent === true) return void socket.destroy(error)
    const status = statuses[error.code ?? ''] ?? malformed
    // A client that leaves in the middle of a request is no news.
    if (error.code === 'HPE_INVALID_EOF_STATE') accessLog?.refused(socket, status, response)
    else onRefused(socket, { status, why: error.message }, response)
    refuseSocket(socket, status)
  }

  if (server.listenerCount('checkExpectation') === 0) {
    server.on('checkExpectation', (req: IncomingMessage, res: ServerResponse) => {
      accessLog?.watch(req, res)
      onRefused(req.socket, { status: 417, why: 'it expects what nobody fulfils' }, res)
      refuse(req, res, 417)
    })
  }
  if (accessLog === undefined) return
  subscribe('http.server.request.start', message => {
    const start = message as RequestStart
    if (start.server !== server || !isHostless(start)) return
    const { request, response } = start
    accessLog.watch(request, response)
    accessLog.refused(request.socket, malformed, response)
  })
}

/** What Node answers where nobody listens to `clientError`. */
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
function isHostless({ request, server }: RequestStart): boolean {
  const isCurrent = request.httpVersionMajor === 1 && request.httpVersionMinor === 1
  return isCurrent && request.headers.host === undefined && server.requireHostHeader === true
}
