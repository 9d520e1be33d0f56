/** Numbers with their units, in words. */

/** `3 d 4 h`, `5 min 2 s`, `1.2 s` */
export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  const units = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
    [1, 's'],
  ] as const
  const at = units.findIndex(([size]) => seconds >= size)
  const [large, small] = [units[at] as (typeof units)[number], units[at + 1] as (typeof units)[number]]
  const rest = Math.floor((seconds % large[0]) / small[0])
  return `${Math.floor(seconds / large[0])} ${large[1]}${rest > 0 ? ` ${rest} ${small[1]}` : ''}`
}

/** A share of one, such as `34 %`. */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`
}

/** The buckets of the scoreboard have upper bounds only. */
export function milliseconds(bound: number | null): string {
  if (bound === null) return '-'
  return bound > 10_000 ? '> 10 s' : `<= ${bound} ms`
}

/** Requests per second. */
export function rateText(rate: number | null): string {
  if (rate === null) return '-'
  return rate > 0 && rate < 10 ? rate.toFixed(1) : `${Math.round(rate)}`
}

/** How late an event loop is, from milliseconds. */
export function delayText(delay: number): string {
  return delay < 1_000 ? `${Math.round(delay)} ms` : duration(delay / 1_000)
}
