/**
 * How long to wait before a worker is started again.
 *
 * A worker that served shows that the app can run. Its replacement starts at once, but no sooner than a second after
 * the worker itself was started: a crash loop costs each worker at most one start per second.
 *
 * An early exit shows the opposite. After the first one, the next worker starts at once; from the second on, the pause
 * grows from one second by half each time, to at most thirty, and is shortened at random by up to a fifth, so that
 * servers that failed together do not restart together. While no worker serves, a longer pause would spare nothing, and
 * the limit is two seconds. A worker that served, or that was ready and lived for thirty seconds, ends the streak.
 */
export interface Streak {
  /** Early exits in a row. */
  readonly earlyExits: number
  /** When the first of them was, in milliseconds of the monotonic clock. */
  readonly since: number
  /** When the last of them was. */
  readonly last: number
  /** When the next worker may be started. */
  readonly until: number
}

export const noStreak: Streak = { earlyExits: 0, since: 0, last: 0, until: 0 }

/** A worker that ends within this time after becoming ready, without serving, exited early; in milliseconds. */
export const earlyMs = 5_000

const recoveryMs = 30_000
const longestMs = 30_000
const longestWithoutServiceMs = 2_000
const paceMs = 1_000

/** A worker that is still alive. */
export interface Survivor {
  readonly born: number
  readonly isReady: boolean
  /** It has answered a request. */
  readonly served: boolean
}

/** The streak after another early exit at `now`; `random` is between 0 and 1. */
export function extend(streak: Streak, now: number, living: readonly Survivor[], random: number): Streak {
  const hasRecovered = living.some(
    ({ born, isReady, served }) => born >= streak.since && (served || (isReady && now - born >= recoveryMs)),
  )
  const earlyExits = (hasRecovered ? 0 : streak.earlyExits) + 1
  const since = earlyExits === 1 ? now : streak.since
  return { earlyExits, since, last: now, until: now + pause(earlyExits) * (1 - random / 5) }
}

/** Ends the streak after the end of a worker that served and was started at `born`. */
export function paced(now: number, born: number): Streak {
  return { ...noStreak, last: now, until: born + paceMs }
}

/** When the next worker may be started, in milliseconds of the monotonic clock. */
export function nextStart({ last, until }: Streak, isServing: boolean): number {
  return isServing ? until : Math.min(until, last + longestWithoutServiceMs)
}

function pause(earlyExits: number): number {
  return earlyExits === 1 ? 0 : Math.min(longestMs, 1_000 * 1.5 ** (earlyExits - 2))
}
