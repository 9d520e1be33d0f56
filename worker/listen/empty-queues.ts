/** Takes the connections that the kernel has queued before a socket is given up. */
import type net from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'

/** How many turns of the event loop without a new connection show that a queue is empty: each turn polls once. */
const quietTurns = 3

/** How long to try, in milliseconds: under steady load a queue never becomes empty. */
const maxMs = 1_000

/** Resolves when the queues of these servers are empty. */
export async function emptyQueues(servers: readonly net.Server[]): Promise<void> {
  let quiet = 0
  const taken = () => {
    quiet = 0
  }
  for (const server of servers) server.on('connection', taken)
  const until = performance.now() + maxMs
  while (quiet < quietTurns && performance.now() < until) {
    quiet += 1
    await turn()
  }
  for (const server of servers) server.off('connection', taken)
}
