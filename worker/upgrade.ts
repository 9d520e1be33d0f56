/** Connections that leave HTTP: WebSockets, CONNECT, and whatever else is asked for with `Upgrade`. */
import type { UpgradeListener } from './adapters/adapter.ts'
import { isRefused, refuseSocket } from './refuse.ts'
import type { RequestParts } from './request.ts'

/** The listener for requests that are for the app, whose connections count until they end. */
export function wrapUpgrade(
  listener: UpgradeListener,
  { accessLog, connections, inspect, onRefused }: RequestParts,
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
    listener(req, socket, head)
  }
}
