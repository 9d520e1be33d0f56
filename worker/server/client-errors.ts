/** Requests that Node refuses by itself: the app never sees them, and the logs have to be told. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { AccessLog } from '../access-log/access-log.ts'
import { type AnsweringSocket, isRejected, type OnRejected, reject, rejectSocket } from '../http/rejection.ts'
import type { AppServer, RequestListener } from '../http/types.ts'
import { describePeer } from '../net/peer.ts'
import type { WorkerLog } from '../process/log.ts'

export interface ClientErrorParts {
  readonly accessLog: AccessLog | undefined
  readonly onRejected: OnRejected
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
export function handleClientErrors(
  server: AppServer,
  { accessLog, onRejected, log, name: withRequestId }: ClientErrorParts,
): void {
  // Looked after by `inspect`, with a word for the log.
  if ('requireHostHeader' in server) server.requireHostHeader = false
  const appListeners = server.listeners('clientError') as ClientErrorListener[]
  server.removeAllListeners('clientError')
  const waiting = new WeakSet<Socket>()
  server.on('clientError', (error: NodeJS.ErrnoException, socket: AnsweringSocket) => {
    if (isRejected(socket) || waiting.has(socket)) return
    if (appListeners.length === 0 && server.listenerCount('clientError') === 1) return answer(error, socket)
    if (socket.writable && isWorthLogging(error)) report(error, socket)
    for (const listener of appListeners) Reflect.apply(listener, server, [error, socket])
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
      if (isWorthLogging(error))
        log.warning(`Cut a request of ${describePeer(socket)} after its answer had begun: ${error.message}`)
      return void socket.destroy(error)
    }
    if (isWorthLogging(error)) report(error, socket)
    else accessLog?.rejected(socket, statusOf(error), response)
    rejectSocket(socket, statusOf(error))
  }

  function report(error: NodeJS.ErrnoException, socket: AnsweringSocket): void {
    onRejected(socket, { status: statusOf(error), why: error.message }, socket._httpMessage ?? undefined)
  }

  if (server.listenerCount('checkExpectation') > 0) return
  const rejectExpectation = withRequestId((req: IncomingMessage, res: ServerResponse) => {
    accessLog?.watch(req, res)
    onRejected(req.socket, { status: 417, why: 'it expects what nobody fulfils' }, res)
    reject(req, res, 417)
  })
  server.on('checkExpectation', rejectExpectation)
}

/** A client that leaves in the middle of a request is no news. */
function isWorthLogging({ code = '' }: NodeJS.ErrnoException): boolean {
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
