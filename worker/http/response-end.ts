/** The end of a response, whichever way it ends. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { ignore } from './rejection.ts'
import { streamOf } from './response.ts'

/**
 * Calls `ended` once, when a response is finished or cut off.
 *
 * On Node 22, a response that waits for an earlier one (pipelining) does not close when its client leaves, so it ends
 * with its socket. Over HTTP/2, a response to HEAD does not close when its client leaves before it is written, so all
 * of these end with their streams.
 */
export function onResponseEnd(req: IncomingMessage, res: ServerResponse, ended: () => void): void {
  const stream = streamOf(res)
  if (stream !== undefined) return void stream.once('close', ended)
  if (res.socket !== null) return void res.on('close', ended)
  // Node aborts the request, and in the next turn its response, whose listeners may remove theirs from the request:
  // then an error would be left without a listener, and end the worker.
  req.on('error', ignore)
  const waiting = waitingResponses(req.socket)
  const end = () => {
    if (waiting.delete(end)) ended()
  }
  waiting.add(end)
  res.on('close', end)
}

const waitingBySocket = new WeakMap<Socket, Set<() => void>>()

/** One listener per socket, however many responses wait. */
function waitingResponses(socket: Socket): Set<() => void> {
  const known = waitingBySocket.get(socket)
  if (known !== undefined) return known
  const waiting = new Set<() => void>()
  waitingBySocket.set(socket, waiting)
  socket.once('close', () => {
    for (const end of waiting) end()
  })
  return waiting
}
