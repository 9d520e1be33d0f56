/**
 * Ends the connections of TLS whose clients are gone without Node having noticed: it forgets a write that fails at once beneath TLS
 * (nodejs/node#55804), and with it the socket, its descriptor and what is answered on it, for ever.
 */
import type { Socket } from 'node:net'
import { hasLeft } from './peer.ts'

const open = new Set<Socket>()
let sweep: NodeJS.Timeout | undefined

/** How often is looked, in milliseconds: a look costs a microsecond for each connection. */
const sweepMs = 5_000

export function leaveWithClient(socket: Socket): void {
  open.add(socket)
  sweep ??= setInterval(look, sweepMs).unref()
  socket.once('close', () => {
    open.delete(socket)
    if (open.size > 0) return
    clearInterval(sweep)
    sweep = undefined
  })
}

function look(): void {
  for (const socket of open) if (hasLeft(socket)) socket.destroy()
}
