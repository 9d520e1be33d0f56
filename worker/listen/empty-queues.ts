import type net from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'

/** Turns of the event loop without a new connection after which a queue is empty: each one polls once. */
const quietTurns = 3

/** Under steady load a queue is never empty: no longer than this, in milliseconds. */
const maxMs = 1_000

/** Resolves when what the kernel has queued for these servers is taken. */
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
