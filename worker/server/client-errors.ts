/** Requests that Node refuses by itself: the app never sees them, and the logs have to be told. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { AccessLog } from '../access-log/access-log.ts'
import { type AnsweringSocket, isRefused, type OnRefused, refuse, refuseSocket } from '../http/rejection.ts'
import type { AppServer, RequestListener } from '../http/types.ts'
import { nameOf } from '../net/peer.ts'
import type { WorkerLog } from '../process/log.ts'

export interface RefusalParts {
  readonly accessLog: AccessLog | undefined
  readonly onRefused: OnRefused
  readonly log: Pick<WorkerLog, 'warning'>
  /** Gives a request its id. */
  readonly name: (listener: RequestListener) => RequestListener
}

type ClientErrorListener = (error: NodeJS.ErrnoException, socket: Socket) => void

/**
 * Answers and logs what a server refuses: malformed requests (400), headers that are too large (431) or too late (408),
 * expectations that nobody fulfils (417), and the like.
 *
 * An app that listens to `clientError` or `checkExpectation` itself answers; it is logged with the status of this list.
 */
export function watchRefusals(server: AppServer, { accessLog, onRefused, log, name }: RefusalParts): void {
  // Looked after by `inspect`, with a word for the log.
  if ('requireHostHeader' in server) server.requireHostHeader = false
  const own = server.listeners('clientError') as ClientErrorListener[]
  server.removeAllListeners('clientError')
  const waiting = new WeakSet<Socket>()
  server.on('clientError', (error: NodeJS.ErrnoException, socket: AnsweringSocket) => {
    if (isRefused(socket) || waiting.has(socket)) return
    if (own.length === 0 && server.listenerCount('clientError') === 1) return answer(error, socket)
    if (socket.writable && isNews(error)) tell(error, socket)
    for (const listener of own) Reflect.apply(listener, server, [error, socket])
  })

  function answer(error: NodeJS.ErrnoException, socket: AnsweringSocket): void {
    const response = socket._httpMessage ?? undefined
    if (socket.writable && response?.req.complete === true) {
      // The malformed request comes after this one, whose response comes first. The next one may be its own, which never comes.
      waiting.add(socket)
      return void response.once('close', () => setImmediate(answer, error, socket))
    }
    if (!socket.writable) return void socket.destroy(error)
    if (response?._headerSent === true) {
      if (isNews(error))
        log.warning(`Cut a request of ${nameOf(socket)} after its answer had begun: ${error.message}`)
      return void socket.destroy(error)
    }
    if (isNews(error)) tell(error, socket)
    else accessLog?.refused(socket, statusOf(error), response)
    refuseSocket(socket, statusOf(error))
  }

  function tell(error: NodeJS.ErrnoException, socket: AnsweringSocket): void {
    onRefused(socket, { status: statusOf(error), why: error.message }, socket._httpMessage ?? undefined)
  }

  if (server.listenerCount('checkExpectation') > 0) return
  const disappoint = name((req: IncomingMessage, res: ServerResponse) => {
    accessLog?.watch(req, res)
    onRefused(req.socket, { status: 417, why: 'it expects what nobody fulfils' }, res)
    refuse(req, res, 417)
  })
  server.on('checkExpectation', disappoint)
}

/** A client that leaves in the middle of a request is no news. */
function isNews({ code = '' }: NodeJS.ErrnoException): boolean {
  return code !== 'HPE_INVALID_EOF_STATE' && (code.startsWith('HPE_') || code === 'ERR_HTTP_REQUEST_TIMEOUT')
}

/** What Node answers where nobody listens to `clientError`. */
function statusOf({ code = '' }: NodeJS.ErrnoException): number {
  return statuses[code] ?? 400
}

const statuses: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}
