/** Ends HTTP/2 sessions without losing a request (RFC 9113, section 6.8), and without Node aborting the process. */
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { linger } from '../net/lingering-close.ts'
import { hasQueuedBytes } from '../net/peer.ts'
import { type ConnectionState, wrappedBy } from './connection-state.ts'

/** How long a client may take to answer a ping, or to send its first request, in milliseconds. */
const clientMs = 900

/** A timer that is later than this was held up, in milliseconds, and so may be what the client has answered. */
const heldUpMs = 100

const goingAway = new WeakSet<ServerHttp2Session>()

/** How long the requests that accompany the first one of a new session may take to arrive, in milliseconds. */
const firstRequestMs = 100

/**
 * Announces that no further streams are wanted; open ones are finished, then the connection ends.
 *
 * On a plain connection no request is lost: a first GOAWAY asks the client to open no more streams, and the second one
 * names the last stream only when the client has answered a ping, so that all it sent before has arrived. Under TLS,
 * Node offers no way to send the first frame; there the client learns which requests were not begun, and may send them
 * again elsewhere.
 */
export function goaway(session: ServerHttp2Session, socket: Socket): void {
  if (session.closed || session.destroyed || goingAway.has(session)) return
  goingAway.add(session)
  if ('encrypted' in socket) return session.close()
  const close = () => {
    clearTimeout(timer)
    session.close()
  }
  let timer: NodeJS.Timeout
  const wait = () => {
    const due = performance.now() + clientMs
    timer = setTimeout(() => (performance.now() > due + heldUpMs ? wait() : close()), clientMs)
  }
  wait()
  session.once('close', () => clearTimeout(timer))
  // The answer to the first ping means that the settings are sent, which have to come before anything else.
  ping(session, () => {
    socket.write(goawayFrame)
    ping(session, close)
  })
}

/**
 * The same for a session that opens while the worker is leaving: its client could not know, and gets its first requests
 * in.
 */
export function goawaySoon(session: ServerHttp2Session, socket: Socket): void {
  let timer = setTimeout(goaway, clientMs, session, socket)
  session.once('stream', () => {
    clearTimeout(timer)
    timer = setTimeout(goaway, firstRequestMs, session, socket)
  })
  session.once('close', () => clearTimeout(timer))
}

/** Has a session and its socket end in an order that costs neither the process nor an answer. */
export function endInOrder(session: ServerHttp2Session, socket: Socket): void {
  deferDestroy(session, socket)
  destroyWithSocket(session, socket)
  // A client sends frames while it reads its last answers: one that meets a closed socket destroys them.
  linger(socket, true)
}

/**
 * Destroys a failed session only after everything in the same chunk is parsed. Node does so at once, and Node 22 aborts
 * the process when the body of another request follows.
 */
export function deferDestroy(session: ServerHttp2Session, socket: Socket): void {
  const destroy: (error?: Error, code?: number) => void = session.destroy.bind(session)
  session.destroy = (error?: Error, code?: number) => {
    // Once the socket is destroyed nothing is parsed any more, and its handle may close before the next turn.
    if (error instanceof Error && !socket.destroyed) setImmediate(() => destroy(error, code))
    else destroy(error, code)
  }
}

/**
 * Destroys the session before its TLS socket. Node does so after the socket is closed: by then the end of TLS has failed
 * the write that was under way, and the session has parsed on, which aborts the process with Node 22.
 *
 * After an error Node itself destroys the session in time.
 */
export function destroyWithSocket(session: ServerHttp2Session, socket: Socket): void {
  // Where Node has wrapped the socket, it destroys first what is above it.
  if (!('encrypted' in socket) || wrappedBy(session.socket) !== undefined) return
  const destroy = socket.destroy.bind(socket)
  socket.destroy = error => {
    // Without an error, but with the code that Node gives to the streams of a closed socket: `undefined` would void it.
    if (!error) session.destroy(null as unknown as undefined, cancel)
    destroy(error)
    return socket
  }
}

const forgotten = new WeakSet<ServerHttp2Stream>()

/**
 * Destroys streams that Node forgets: if a client resets one without an error before its response is sent, Node waits for
 * the rest to be sent, which never happens. Once the session is closed, it then neither ends nor reads, and does not
 * notice that its client is gone. Call about once a second.
 */
export function destroyForgotten(connections: Iterable<[Socket, Pick<ConnectionState, 'streams'>]>): void {
  for (const [socket, { streams }] of connections) {
    for (const stream of streams) {
      // A response that was sent as a whole closes its stream too, and may be on its way to a slow client.
      if (!stream.closed || stream.readable || hasQueuedBytes(socket)) continue
      // If all of it has just been taken, Node hears of that before the next call.
      if (forgotten.has(stream)) stream.destroy()
      else forgotten.add(stream)
    }
  }
}

/** RFC 9113, section 7. */
const cancel = 8

/** GOAWAY with the largest possible stream id. */
const goawayFrame = Buffer.from('0000080700000000007fffffff00000000', 'hex')

function ping(session: ServerHttp2Session, onAck: () => void): void {
  if (session.closed || session.destroyed) return
  session.ping(error => {
    if (error === null && !session.destroyed) onAck()
  })
}
