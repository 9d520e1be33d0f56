/**
 * How long to wait before a worker is started again.
 *
 * One that served shows that the app can run: its successor starts at once, but no sooner than a second after it was
 * started itself, so that a loop of crashes costs each worker one start a second at most.
 *
 * One that early exit shows the opposite. The first such death is answered at once; from the second on the pause grows
 * from one second by half, to thirty at most, and is shortened at random by up to a fifth, so that servers that failed
 * together do not come back together. While nobody serves, there is nothing that a longer pause would spare, and it is
 * two seconds at most. A worker that served, or lived for thirty seconds, ends the streak.
 */
export interface Streak {
  /** Deaths in a row. */
  readonly earlyExits: number
  /** When the first of them happened, in milliseconds of the monotonic clock. */
  readonly since: number
  /** When the last of them happened. */
  readonly last: number
  /** When the next worker may be started. */
  readonly until: number
}

export const noStreak: Streak = { earlyExits: 0, since: 0, last: 0, until: 0 }

/** A worker that served nothing and dies earlier than this after it became ready early exit, in milliseconds. */
export const earlyMs = 5_000

const recoveryMs = 30_000
const longestMs = 30_000
const longestWithoutServiceMs = 2_000
const paceMs = 1_000

/** A worker that lives. */
export interface Survivor {
  readonly born: number
  readonly isReady: boolean
  /** It has answered a request. */
  readonly served: boolean
}

/** The streak after one more young death at `now`; `random` is between 0 and 1. */
export function extend(streak: Streak, now: number, living: readonly Survivor[], random: number): Streak {
  const hasRecovered = living.some(
    ({ born, isReady, served }) => born >= streak.since && (served || (isReady && now - born >= recoveryMs)),
  )
  const earlyExits = (hasRecovered ? 0 : streak.earlyExits) + 1
  const since = earlyExits === 1 ? now : streak.since
  return { earlyExits, since, last: now, until: now + pause(earlyExits) * (1 - random / 5) }
}

/** No streak any more: a worker has ended that was started at `born` and could run. */
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
