/** Waits for the connections of a worker that drains. */
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import type { Connections } from '../connection/connections.ts'

/** A connection that waits for its next request is closed after so long, in milliseconds. */
const idleMs = 900

/**
 * One that never had a request has more time, in milliseconds: its client means to send one, and where the first packet is lost, it
 * comes again after a second (RFC 6298), or after three.
 */
const firstMs = 3_200

/** How often the connections are looked at, in milliseconds. */
const sweepMs = 50

/**
 * Resolves with true when all are closed, and with false when there are some at that time of `performance.now()`.
 *
 * What counts as idle was so before the event loop polled, and after that still is: on a busy machine a request may have waited in
 * the kernel for as long as an idle connection is kept.
 */
export async function untilIdle(connections: Connections, until: number): Promise<boolean> {
  while (connections.size > 0) {
    await sleep(sweepMs)
    const now = performance.now()
    await turn()
    connections.endIdle(now - idleMs, now - firstMs)
    if (performance.now() >= until) return connections.size === 0
  }
  return true
}
