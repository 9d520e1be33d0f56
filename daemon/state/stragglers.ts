/**
 * Workers that take long to finish, such as those with event streams and downloads.
 *
 * A draining worker counts as living, so that a reload starts no more than the surge. After a moment it is overdue and
 * no longer holds up the reload; but at most one fleet of workers can be overdue. This bounds the number of extra
 * workers, and how long a reload waits for clients that stay.
 */
import { drainLimit, type Limits, type TimedWorker } from './deadlines.ts'
import { isLeaving } from './worker-state.ts'

/** How long a draining worker holds up others, in milliseconds: idle connections take nearly one second. */
export const patienceMs = 2_000

/** A wait this long is logged, in milliseconds. */
const noticeMs = 1_000

/** No worker is started because this one still drains. */
export interface Wait {
  readonly age: number
  /** When the wait ends at the latest. */
  readonly until: number
}

export interface Draining {
  /** The ages of those that are overdue: alive, but no longer counted. */
  readonly overdue: ReadonlySet<number>
  /** The others, and when each becomes overdue or is killed. */
  readonly holding: readonly (Wait & Pick<TimedWorker, 'since' | 'state'>)[]
}

/** The workers that are leaving, longest first; at most `most` of them are overdue. */
export function drainingOf(
  workers: readonly TimedWorker[],
  now: number,
  most: number,
  limitsOf: (generation: number) => Limits,
): Draining {
  const draining = workers.filter(({ state }) => isLeaving(state)).sort((a, b) => a.since - b.since)
  const isOverdue = (since: number, place: number) => place < most && since + patienceMs <= now
  const overdue = new Set(
    draining.filter(({ since }, place) => isOverdue(since, place)).map(({ age }) => age),
  )
  const holding = draining.flatMap(({ age, generation, since, state }, place) => {
    if (isOverdue(since, place)) return []
    const limit = place < most ? patienceMs : drainLimit(limitsOf(generation))
    return [{ age, since, state, until: since + limit }]
  })
  return { overdue, holding }
}

/** The waits that are to be logged; a worker that was told to leave at once has no clients to wait for. */
export function waitsOf({ holding }: Draining, now: number): Wait[] {
  return holding
    .filter(({ since, state }) => state === 'draining' && since + noticeMs <= now)
    .map(({ age, until }) => ({ age, until }))
}

/** When there is more to log, or nothing left to wait for. */
export function timesOf({ holding }: Draining): number[] {
  return holding.flatMap(({ since, until }) => [since + noticeMs, until])
}
