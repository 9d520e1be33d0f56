/** Answers and logs the requests that Node itself rejects, and that the app never sees. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { AccessLog } from '../access-log/access-log.ts'
import { takeListeners } from '../app/adapters/server.ts'
import { type AnsweringSocket, isRejected, type OnRejected, reject, rejectSocket } from '../http/rejection.ts'
import { onResponseEnd } from '../http/response-end.ts'
import type { AppServer } from '../http/types.ts'
import { unsupportedExpectation } from '../http/validation.ts'
import { describePeer } from '../net/peer.ts'
import type { WorkerLog } from '../process/log.ts'
import type { RequestIds } from './request-id.ts'

export interface ClientErrorParts {
  readonly accessLog: AccessLog | undefined
  readonly onRejected: OnRejected
  readonly log: Pick<WorkerLog, 'warning'>
  readonly requestIds: RequestIds | undefined
}

type ClientErrorListener = (error: NodeJS.ErrnoException, socket: Socket) => void

/**
 * Handles malformed requests (400), headers that are too large (431) or too late (408), unsupported expectations (417),
 * and the like.
 *
 * An app that handles `clientError` or `checkExpectation` responds itself; the log has the status that is used here.
 */
export function handleClientErrors(
  server: AppServer,
  { accessLog, onRejected, log, requestIds }: ClientErrorParts,
): void {
  // Validation checks this, and logs it.
  if ('requireHostHeader' in server) server.requireHostHeader = false
  const appListeners = takeListeners(server, 'clientError') as readonly ClientErrorListener[]
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
      // The malformed request follows this one, whose response comes first.
      waiting.add(socket)
      return void response.once('close', () => setImmediate(answer, error, socket))
    }
    if (!socket.writable) return void socket.destroy(error)
    if (response?._headerSent === true) {
      if (isWorthLogging(error))
        log.warning(`Cut a request of ${describePeer(socket)} after its response had begun: ${error.message}`)
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
  const rejectExpectation = (req: IncomingMessage, res: ServerResponse) => {
    accessLog?.started(req, res)
    if (accessLog !== undefined) onResponseEnd(req, res, () => accessLog.ended(req, res))
    onRejected(req.socket, unsupportedExpectation, res)
    reject(req, res, unsupportedExpectation.status)
  }
  server.on('checkExpectation', requestIds?.request(rejectExpectation) ?? rejectExpectation)
}

/** A client that leaves during its request is not worth logging. */
function isWorthLogging({ code = '' }: NodeJS.ErrnoException): boolean {
  return code !== 'HPE_INVALID_EOF_STATE' && (code.startsWith('HPE_') || code === 'ERR_HTTP_REQUEST_TIMEOUT')
}

/** The status that Node uses by default. */
function statusOf({ code = '' }: NodeJS.ErrnoException): number {
  return statuses[code] ?? 400
}

const statuses: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}
