import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Calls `ended` once, when a response is finished or cut off.
 *
 * A response that waits behind another one on its connection (pipelining) does not close on Node 22 when its client
 * leaves, so that one ends with its socket.
 */
export function onEnd(req: IncomingMessage, res: ServerResponse, ended: () => void): void {
  if (res.socket !== null) return void res.on('close', ended)
  const waiting = waitingOn(req.socket)
  const end = () => {
    if (waiting.delete(end)) ended()
  }
  waiting.add(end)
  res.on('close', end)
}

const waitingBySocket = new WeakMap<Socket, Set<() => void>>()

/** One listener for each socket, however many responses wait. */
function waitingOn(socket: Socket): Set<() => void> {
  const known = waitingBySocket.get(socket)
  if (known !== undefined) return known
  const waiting = new Set<() => void>()
  waitingBySocket.set(socket, waiting)
  socket.once('close', () => {
    for (const end of waiting) end()
  })
  return waiting
}
