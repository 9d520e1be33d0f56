import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { ignore } from './rejection.ts'
import { streamOf } from './response.ts'

/**
 * Calls `ended` once, when a response is finished or cut off.
 *
 * A response that waits behind another one on its connection (pipelining) does not close on Node 22 when its client
 * leaves, so that one ends with its socket. Over HTTP/2, no response to HEAD closes when its client leaves before it is
 * written, so those end with their streams.
 */
export function onResponseEnd(req: IncomingMessage, res: ServerResponse, ended: () => void): void {
  const stream = streamOf(res)
  if (stream !== undefined) return void stream.once('close', ended)
  if (res.socket !== null) return void res.on('close', ended)
  // Node aborts the request, and in the next turn its response, whose listeners may take theirs off the request: then an
  // error that somebody was to hear would find nobody, and end the worker.
  req.on('error', ignore)
  const waiting = waitingResponses(req.socket)
  const end = () => {
    if (waiting.delete(end)) ended()
  }
  waiting.add(end)
  res.on('close', end)
}

const waitingBySocket = new WeakMap<Socket, Set<() => void>>()

/** One listener for each socket, however many responses wait. */
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
