/** Takes the connections that the kernel has queued before a socket is given up. */
import type net from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { accepted } from '../net/emitted-connections.ts'
import type { InheritedListener } from '../protocol/messages.ts'

/** A server that accepts from one inherited socket. */
export interface AcceptingServer {
  readonly listener: InheritedListener
  readonly server: net.Server
}

/** How many turns of the event loop without a new connection show that a queue is empty: each turn polls once. */
const quietTurns = 3

/**
 * How long to try, in milliseconds: under steady load a queue never becomes empty. A turn accepts one connection, and on a
 * machine that has little time for this process, turns are few: at least so many are made.
 */
const maxMs = 1_000
const leastTurns = 256

/** A worker that accepts one connection at a time. */
interface Turns {
  empty(until: number): Promise<void>
}

/**
 * Resolves when nothing is queued on the sockets that no other process accepts from: abandoned ones, and own ones. With
 * `oneByOne`, that may take as long as requests do, at most until this time of `performance.now()`.
 */
export async function emptyQueues(
  acceptors: readonly AcceptingServer[],
  abandoned: readonly number[],
  leaveBy: number,
  oneByOne?: Turns,
): Promise<void> {
  const isLeft = ({ fd, reuse_port }: InheritedListener) => reuse_port || abandoned.includes(fd)
  const servers = acceptors.filter(({ listener }) => isLeft(listener)).map(({ server }) => server)
  if (servers.length === 0) return
  await oneByOne?.empty(leaveBy)
  let quiet = 0
  const taken = () => {
    quiet = 0
  }
  for (const server of servers) server.on('connection', taken).on(accepted, taken)
  const until = performance.now() + maxMs
  let turns = 0
  const mayGoOn = (now: number) => now < until || (turns < leastTurns && now < leaveBy)
  while (quiet < quietTurns && mayGoOn(performance.now())) {
    quiet += 1
    turns += 1
    await turn()
  }
  for (const server of servers) server.off('connection', taken).off(accepted, taken)
}
