/** Connections that leave HTTP: WebSockets, CONNECT, and whatever else is asked for with `Upgrade`. */
import { stackOf } from '../../hooks/thrown.ts'
import { attempt } from '../http/error-handler.ts'
import { afterEarlierResponses, ignore, isRejected, rejectSocket } from '../http/rejection.ts'
import type { UpgradeListener } from '../http/types.ts'
import type { RequestParts } from './request-pipeline.ts'

const noConnectHandler = { status: 501, why: 'nobody listens for CONNECT' }

/** The listener for requests that are for the app, whose connections count until they end; without one, it refuses them. */
export function wrapUpgrade(
  listener: UpgradeListener | undefined,
  { accessLog, connections, validate, log, onRejected }: RequestParts,
): UpgradeListener {
  return (req, socket, head) => {
    // Node has taken its own listener away, and a client that resets must not end the worker.
    socket.on('error', ignore)
    if (isRejected(socket)) return
    accessLog?.upgraded(req, socket)
    const rejection = validate(req)
    if (rejection !== undefined || listener === undefined) {
      const { status, why } = rejection ?? noConnectHandler
      return afterEarlierResponses(req.socket, undefined, () => {
        onRejected(req.socket, { status, why })
        rejectSocket(socket, status)
      })
    }
    afterEarlierResponses(req.socket, undefined, () => {
      if (!socket.writable) return void socket.destroy()
      // The answer before may have set one for the next request.
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
