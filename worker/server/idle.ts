/** Finishes the connections of a worker that leaves. */
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import type { HookLog } from '../../hooks/table.ts'
import { idleGraceMs } from '../connection/connection-state.ts'
import type { Connections } from '../connection/connections.ts'
import type { DrainOrder } from '../protocol/messages.ts'

/**
 * How long a connection without any request so far is kept, in milliseconds: its client means to send one, and a lost
 * first packet comes again after a second (RFC 6298), or after three.
 */
const firstRequestMs = 3_200

/** How often idle connections are closed, in milliseconds. */
const sweepMs = 50

/** Servers that accept connections. */
export interface Accepting {
  /** By this time of `performance.now()` at the latest. */
  stopAccepting(abandoned: readonly number[], by: number): Promise<void>
}

/** What is said of connections that are cut. */
export interface FinishOptions {
  readonly log: Pick<HookLog, 'debug' | 'warning'>
  /** `graceful_timeout`, in seconds: who gets less time is old code. */
  readonly graceful: number
}

/** Stops accepting and waits for open connections; cuts those that remain after the given time, and returns its end. */
export async function finish(
  servers: Accepting,
  connections: Connections,
  { seconds, abandoned }: DrainOrder,
  { log, graceful }: FinishOptions,
): Promise<number> {
  const until = performance.now() + seconds * 1_000
  await servers.stopAccepting(abandoned, until)
  connections.close()
  if (await closeWhenIdle(connections, until)) return until
  const cut = `cutting ${connections.size} connection${connections.size === 1 ? '' : 's'}`
  if (seconds < graceful) log.debug(`There is newer code: ${cut}`)
  else log.warning(`graceful_timeout is over: ${cut}`)
  connections.cut()
  return until
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
    closeSilent(connections, now)
    if (performance.now() >= until) return connections.size === 0
  }
  return true
}

/** Closes the connections that had been idle for long enough at this time of `performance.now()`. */
export function closeSilent(connections: Connections, now: number): void {
  connections.closeIdle(now - idleGraceMs, now - firstRequestMs)
}
