/** Connections that leave HTTP: WebSockets, CONNECT, and whatever else is asked for with `Upgrade`. */
import type { UpgradeListener } from './adapters/adapter.ts'
import { attempt, describe } from './app-failure.ts'
import { isRefused, refuseSocket } from './refuse.ts'
import type { RequestParts } from './request.ts'

/** The listener for requests that are for the app, whose connections count until they end. */
export function wrapUpgrade(
  listener: UpgradeListener,
  { accessLog, connections, inspect, onRefused, log }: RequestParts,
): UpgradeListener {
  return (req, socket, head) => {
    if (isRefused(socket)) return
    const refusal = inspect(req)
    if (refusal !== undefined) {
      onRefused(req.socket, refusal)
      return refuseSocket(socket, refusal.status)
    }
    connections.upgraded(socket, req.headers.upgrade)
    accessLog?.upgraded(req, socket)
    const { bytesWritten } = req.socket
    attempt(
      () => listener(req, socket, head),
      error => {
        log.error(`${req.method} ${req.url} failed: ${describe(error)}`)
        if (req.socket.bytesWritten > bytesWritten) socket.destroy()
        else refuseSocket(socket, 500)
      },
    )
  }
}
