/** Upgraded connections: WebSockets, CONNECT, and everything else that is requested with `Upgrade`. */
import { stackOf } from '../../hooks/thrown.ts'
import { attempt } from '../http/error-handler.ts'
import { afterEarlierResponses, ignore, isRejected, rejectSocket } from '../http/rejection.ts'
import type { UpgradeListener } from '../http/types.ts'
import { unsupportedConnect } from '../http/validation.ts'
import type { PipelineParts } from './request-pipeline.ts'

/** Validates and tracks requests for an upgrade; without a listener, rejects them. */
export function wrapUpgrade(
  listener: UpgradeListener | undefined,
  { accessLog, connections, validate, rewrite, log, onRejected }: PipelineParts,
): UpgradeListener {
  return (req, socket, head) => {
    // Node has removed its own listener, and a reset by the client must not end the worker.
    socket.on('error', ignore)
    if (isRejected(socket)) return
    accessLog?.upgraded(req, socket)
    const rejection = validate(req)
    if (rejection === undefined) rewrite(req)
    if (rejection !== undefined || listener === undefined) {
      const { status, why } = rejection ?? unsupportedConnect
      return afterEarlierResponses(req.socket, undefined, () => {
        onRejected(req.socket, { status, why })
        rejectSocket(socket, status)
      })
    }
    afterEarlierResponses(req.socket, undefined, () => {
      if (!socket.writable) return void socket.destroy()
      // The previous response may have set a timeout for the next request.
      req.socket.setTimeout(0)
      connections.addUpgraded(socket, req.headers.upgrade)
      const { bytesWritten } = req.socket
      attempt(
        () => listener(req, socket, head),
        error => {
          log.error(`${req.method} ${req.url} failed: ${stackOf(error)}`)
          if (req.socket.bytesWritten > bytesWritten) socket.destroy()
          else rejectSocket(socket, 500)
        },
      )
    })
  }
}
