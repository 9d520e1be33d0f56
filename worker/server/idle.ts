/** Waits until the connections of a draining worker are closed. */
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import type { HookLog } from '../../hooks/table.ts'
import { idleGraceMs } from '../connection/connection-state.ts'
import type { Connections } from '../connection/connections.ts'

/**
 * How long a connection without any request so far is kept, in milliseconds: its client means to send one, and a lost
 * first packet comes again after a second (RFC 6298), or after three.
 */
const firstRequestMs = 3_200

/** How often idle connections are closed, in milliseconds. */
const sweepMs = 50

/** What is said of connections that are cut. */
export interface DrainReport {
  readonly log: Pick<HookLog, 'debug' | 'warning'>
  /** There is newer code, and less time than `graceful_timeout`. */
  readonly isHurried?: boolean
}

/** Waits for open connections, and cuts those that remain at the time `until` of `performance.now()`. */
export async function drainConnections(
  connections: Connections,
  until: number,
  { log, isHurried = false }: DrainReport,
): Promise<void> {
  if (await closeWhenIdle(connections, until)) return
  const cut = `cutting ${connections.size} connections`
  if (isHurried) log.debug(`There is newer code: ${cut}`)
  else log.warning(`graceful_timeout is over: ${cut}`)
  connections.cut()
}

/**
 * Resolves with true when all are closed, or with false when some are still open at the time `until` of
 * `performance.now()`.
 *
 * A connection must have been idle before the event loop polls and still be idle afterwards: on a busy machine, a
 * request may have waited in the kernel for as long as an idle connection is kept.
 */
async function closeWhenIdle(connections: Connections, until: number): Promise<boolean> {
  while (connections.size > 0) {
    await sleep(sweepMs)
    const now = performance.now()
    await turn()
    connections.closeIdle(now - idleGraceMs, now - firstRequestMs)
    if (performance.now() >= until) return connections.size === 0
  }
  return true
}
