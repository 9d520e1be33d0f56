/** How a session of HTTP/2 ends without losing a request (RFC 9113 section 6.8). */
import type { ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'

/** How long a client may take to answer, or to begin, in milliseconds. */
const patience = 900

const retired = new WeakSet<ServerHttp2Session>()

/** What comes with the first request of a new session gets this long to arrive, in milliseconds. */
const first = 100

/**
 * Says that no further streams are wanted; those that are open are finished, and then the connection ends.
 *
 * On a plain connection no request is lost: the client is told first to open no more, and only when it has answered,
 * and all that it sent before has arrived, which streams are the last. Under TLS Node offers no way to send the first of
 * these frames. There the client learns which of its requests were not begun, and may send them again elsewhere.
 */
export function retire(session: ServerHttp2Session, socket: Socket): void {
  if (session.closed || session.destroyed || retired.has(session)) return
  retired.add(session)
  if ('encrypted' in socket) return session.close()
  const close = () => {
    clearTimeout(timer)
    session.close()
  }
  const timer = setTimeout(close, patience)
  session.once('close', () => clearTimeout(timer))
  // The answer to the first one means that the settings are sent, which have to come before anything else.
  ask(session, () => {
    socket.write(noFurtherStreams)
    ask(session, close)
  })
}

/** The same for a session that was opened when the worker was about to leave: nobody told its client to go elsewhere. */
export function retireSoon(session: ServerHttp2Session, socket: Socket): void {
  let timer = setTimeout(retire, patience, session, socket)
  session.once('stream', () => {
    clearTimeout(timer)
    timer = setTimeout(retire, first, session, socket)
  })
  session.once('close', () => clearTimeout(timer))
}

/**
 * A session that fails ends when all that came in the same piece is parsed. Node ends it at once, and Node 22 aborts the process
 * when the body of a further request follows.
 */
export function leaveInTurn(session: ServerHttp2Session): void {
  const destroy: (error?: Error, code?: number) => void = session.destroy.bind(session)
  session.destroy = (error?: Error, code?: number) => {
    if (error instanceof Error) setImmediate(() => destroy(error, code))
    else destroy(error, code)
  }
}

/** GOAWAY with the largest number that a stream can have. */
const noFurtherStreams = Buffer.from('0000080700000000007fffffff00000000', 'hex')

function ask(session: ServerHttp2Session, answered: () => void): void {
  if (session.closed || session.destroyed) return
  session.ping(error => {
    if (error === null && !session.destroyed) answered()
  })
}
