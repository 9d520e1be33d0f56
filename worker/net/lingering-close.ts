/** Lingering close: lets a client read the last response before its connection is closed. */
import type { Socket } from 'node:net'

/** How long a client may go on sending, and how many bytes of that are read and dropped. */
const maxMs = 2_000
const maxBytes = 65_536

const lingering = new WeakSet<Socket>()

/**
 * Makes `destroySoon` close the connection in two steps. Closing a socket with unread bytes resets it, and the client
 * may lose the response (RFC 9112, section 9.6). With `isReading`, what the client sends shows that it still reads, and
 * gives it as much time again.
 */
export function linger(socket: Socket, isReading = false): void {
  if (lingering.has(socket)) return
  lingering.add(socket)
  socket.destroySoon = () => {
    // To close it again must not hurry it: idle connections are closed in every sweep.
    socket.destroySoon = () => undefined
    const until = socket.bytesRead + maxBytes
    socket.end()
    const end = () => socket.destroy()
    const timer = setTimeout(end, maxMs)
    socket.once('close', () => clearTimeout(timer))
    socket.once('end', end)
    socket.on('data', () => {
      if (socket.bytesRead > until) end()
      else if (isReading) timer.refresh()
    })
    socket.resume()
  }
}
