/**
 * Destroys TLS connections whose clients are gone without Node noticing: it ignores a write that fails at once below
 * TLS (nodejs/node#55804), and leaks the socket, its descriptor and the responses on it.
 */
import type { Socket } from 'node:net'
import { isReset } from '../net/peer.ts'

const sockets = new Set<Socket>()
let next = sockets.values()
let sweep: NodeJS.Timeout | undefined

/**
 * Each connection is checked once in this many sweeps, at this interval in milliseconds: a check takes some
 * microseconds.
 */
const sweeps = 20
const sweepMs = 250

export function destroyWhenReset(socket: Socket): void {
  sockets.add(socket)
  sweep ??= setInterval(checkSome, sweepMs).unref()
  socket.once('close', () => {
    sockets.delete(socket)
    if (sockets.size > 0) return
    clearInterval(sweep)
    sweep = undefined
  })
}

function checkSome(): void {
  for (let left = Math.ceil(sockets.size / sweeps); left > 0; left -= 1) {
    const { value: socket } = next.next()
    if (socket === undefined) {
      next = sockets.values()
      return
    }
    if (isReset(socket)) socket.destroy()
  }
}
