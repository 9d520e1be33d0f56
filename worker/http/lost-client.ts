/**
 * Ends the connections of TLS whose clients are gone without Node having noticed: it forgets a write that fails at once beneath TLS
 * (nodejs/node#55804), and with it the socket, its descriptor and what is answered on it, for ever.
 */
import type { Socket } from 'node:net'
import { hasLeft } from '../net/peer.ts'

const open = new Set<Socket>()
let next = open.values()
let sweep: NodeJS.Timeout | undefined

/** Each connection is looked at once in so many turns, and a turn is so many milliseconds: a look costs some microseconds. */
const turns = 20
const turnMs = 250

export function leaveWithClient(socket: Socket): void {
  open.add(socket)
  sweep ??= setInterval(look, turnMs).unref()
  socket.once('close', () => {
    open.delete(socket)
    if (open.size > 0) return
    clearInterval(sweep)
    sweep = undefined
  })
}

function look(): void {
  for (let left = Math.ceil(open.size / turns); left > 0; left -= 1) {
    const { value: socket } = next.next()
    if (socket === undefined) {
      next = open.values()
      return
    }
    if (hasLeft(socket)) socket.destroy()
  }
}
