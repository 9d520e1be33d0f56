import type { Socket } from 'node:net'

/** How long, and how much of what a client still sends is read, so that it hears the last answer. */
const longestMs = 2_000
const mostBytes = 65_536

const known = new WeakSet<Socket>()

/**
 * From now on the connection ends in two steps: to close one with unread bytes resets it, and the client may lose the
 * answer (RFC 9112, section 9.6).
 */
export function linger(socket: Socket): void {
  if (known.has(socket)) return
  known.add(socket)
  const { destroySoon } = socket
  socket.destroySoon = () => {
    socket.destroySoon = destroySoon
    const until = socket.bytesRead + mostBytes
    socket.end()
    const end = () => socket.destroy()
    const timer = setTimeout(end, longestMs)
    socket.once('close', () => clearTimeout(timer))
    socket.once('end', end)
    socket.on('data', () => {
      if (socket.bytesRead > until) end()
    })
    socket.resume()
  }
}
