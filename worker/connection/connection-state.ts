/** What goes on on a connection. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { linger } from '../net/lingering-close.ts'

export interface Activity {
  /** Requests whose response is not finished. */
  busy: number
  /** When the last exchange was over, in milliseconds; counted from the beginning until there is one. */
  idleSince: number
  /** How much had been read by then: when more comes, a request is on its way. */
  bytesRead: number
  /** Who says when the connection is idle, where it speaks HTTP/2. */
  session: ServerHttp2Session | undefined
  /** Those of the session that are open. */
  streams: ReadonlySet<ServerHttp2Stream>
  /** The response to the newest request, and when that arrived. */
  response: ServerResponse | undefined
  arrived: number
  /** Responses that wait for those before them, where requests are pipelined. */
  queued: Set<ServerResponse> | undefined
  /** It speaks something else than HTTP by now. */
  hasLeft: boolean
  /** The response that is to be the last one of the connection. */
  last: ServerResponse | undefined
}

const noStreams: ReadonlySet<ServerHttp2Stream> = new Set()

export function newActivity({ bytesRead }: Socket): Activity {
  return {
    busy: 0,
    idleSince: performance.now(),
    bytesRead,
    session: undefined,
    streams: noStreams,
    response: undefined,
    arrived: 0,
    queued: undefined,
    hasLeft: false,
    last: undefined,
  }
}

/** Bytes of the line end that some clients send behind a request, and that begins no other (RFC 9112, section 2.2). */
const emptyLine = 2

/** Whether no part of a request has come since the connection is idle. */
export function isSilent(activity: Activity, { bytesRead }: Socket): boolean {
  return bytesRead - activity.bytesRead <= emptyLine
}

/** From now on, and without what was read until now, the connection is idle. */
export function rest(activity: Activity, { bytesRead }: Socket): void {
  activity.idleSince = performance.now()
  activity.bytesRead = bytesRead
}

export function leaveHttp(activity: Activity): void {
  activity.busy += 1
  activity.hasLeft = true
}

export function queue(activity: Activity, response: ServerResponse): void {
  activity.queued ??= new Set()
  activity.queued.add(response)
}

/** This response, in the place of one before it, is the last one of its connection. */
export function makeLast(activity: Activity, response: ServerResponse): void {
  const { req } = response
  if (activity.last !== undefined) activity.last.shouldKeepAlive = true
  activity.last = response.shouldKeepAlive ? response : undefined
  response.shouldKeepAlive = false
  linger(req.socket)
  if (!req.complete) endWhenRead(req)
}

/**
 * Node closes the connection as soon as it has sent the last response. What the client still sends of its request is read
 * before that, however much it is.
 */
function endWhenRead(req: IncomingMessage): void {
  const { socket } = req
  const { destroySoon } = socket
  socket.destroySoon = () => {
    socket.destroySoon = destroySoon
    if (req.complete) return socket.destroySoon()
    socket.end()
    req.once('end', () => socket.destroySoon()).resume()
  }
}
