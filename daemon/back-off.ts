/**
 * How long to wait before a worker is started again, after workers that died young.
 *
 * The first death is answered at once; from the second on the pause grows from one second by half, to thirty at most,
 * and is shortened at random by up to a fifth, so that servers that failed together do not come back together. One
 * worker that lived for thirty seconds ends the streak.
 */
export interface Streak {
  /** Deaths in a row. */
  readonly deaths: number
  /** When the first of them happened, in milliseconds of the monotonic clock. */
  readonly since: number
  /** When the next worker may be started. */
  readonly until: number
}

export const noStreak: Streak = { deaths: 0, since: 0, until: 0 }

/** A worker that dies earlier than this after it became ready died young, in milliseconds. */
export const youth = 5_000

const recovery = 30_000
const longest = 30_000

/**
 * The streak after one more death at `now`; `births` are the starting times of the workers that live, and `random` is
 * between 0 and 1.
 */
export function extend(streak: Streak, now: number, births: readonly number[], random: number): Streak {
  const recovered = births.some(birth => birth >= streak.since && now - birth >= recovery)
  const deaths = (recovered ? 0 : streak.deaths) + 1
  return { deaths, since: deaths === 1 ? now : streak.since, until: now + pause(deaths) * (1 - random / 5) }
}

function pause(deaths: number): number {
  return deaths === 1 ? 0 : Math.min(longest, 1_000 * 1.5 ** (deaths - 2))
}
