/**
 * Ends the connections of TLS whose clients are gone without Node having noticed: it forgets a write that fails at once beneath TLS
 * (nodejs/node#55804), and with it the socket, its descriptor and what is answered on it, for ever.
 */
import type { Socket } from 'node:net'
import { isReset } from '../net/peer.ts'

const sockets = new Set<Socket>()
let next = sockets.values()
let sweep: NodeJS.Timeout | undefined

/** Each connection is looked at once in so many turns, and a turn is so many milliseconds: a look costs some microseconds. */
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
