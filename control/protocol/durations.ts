/** How long responses took, counted in buckets. */

/** The upper bound of each bucket in milliseconds, lowest first, and how many responses it has. */
export type Durations = readonly (readonly [bound: number, count: number])[]

/** An upper bound of the time that this share of the responses took, in milliseconds; null without responses. */
export function quantile(durations: Durations, share: number): number | null {
  const total = durations.reduce((sum, [, count]) => sum + count, 0)
  let seen = 0
  for (const [bound, count] of durations) {
    seen += count
    if (total > 0 && seen >= share * total) return bound
  }
  return null
}
