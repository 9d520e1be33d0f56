/**
 * Workers that take long to finish, such as those with event streams and downloads.
 *
 * Those that drain count as living, so that a reload starts no more than the surge. After a moment they do not hold it up
 * any longer, but only as many as one fleet has workers: so what lives besides those that are wanted is bounded, and
 * so is how long a reload waits for clients that stay.
 */
import { drainLimit, type Limits, type TimedWorker } from './deadlines.ts'

/** For how long a worker that drains holds up others, in milliseconds: idle connections take nearly one second. */
export const patienceMs = 2_000

/** A wait of this length is mentioned, in milliseconds. */
const noticeMs = 1_000

/** Nobody is started because this worker still drains. */
export interface Wait {
  readonly age: number
  /** Until when at most. */
  readonly until: number
}

export interface Draining {
  /** The ages of those that live on and count no more. */
  readonly overdue: ReadonlySet<number>
  /** The others, and when each of them counts no more, or is killed. */
  readonly holding: readonly (Wait & Pick<TimedWorker, 'since' | 'quit'>)[]
}

/** Those of the workers that drain, oldest drain first; `most` of them may be overdue. */
export function drainingOf(
  workers: readonly TimedWorker[],
  now: number,
  most: number,
  limitsOf: (generation: number) => Limits,
): Draining {
  const draining = workers.filter(({ state }) => state === 'draining').sort((a, b) => a.since - b.since)
  const isOverdue = (since: number, place: number) => place < most && since + patienceMs <= now
  const overdue = new Set(
    draining.filter(({ since }, place) => isOverdue(since, place)).map(({ age }) => age),
  )
  const holding = draining.flatMap(({ age, generation, since, quit }, place) => {
    if (isOverdue(since, place)) return []
    const limit = place < most ? patienceMs : drainLimit(limitsOf(generation))
    return [{ age, since, quit, until: since + limit }]
  })
  return { overdue, holding }
}

/** What is to be said about those that hold up others; one that was told to leave at once has no clients to wait for. */
export function waitsOf({ holding }: Draining, now: number): Wait[] {
  return holding
    .filter(({ since, quit }) => !quit && since + noticeMs <= now)
    .map(({ age, until }) => ({ age, until }))
}

/** When there is more to be said about them, or nothing to wait for any more. */
export function timesOf({ holding }: Draining): number[] {
  return holding.flatMap(({ since, until }) => [since + noticeMs, until])
}
