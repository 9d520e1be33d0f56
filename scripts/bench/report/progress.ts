/** How long a run takes, and how far it is. */

/** Says what is done, and how long the rest will take at the pace so far. */
export function startProgress(seconds: number, say: (line: string) => void = line => console.error(line)) {
  const began = performance.now()
  let expected = 0
  say(`This takes about ${duration(seconds)}.`)
  return {
    /** After a part that was expected to take so many seconds. */
    done(part: number, what: string): void {
      expected += part
      const pace = (performance.now() - began) / 1_000 / expected
      const left = Math.max(0, seconds - expected) * pace
      const percent = Math.round((expected / seconds) * 100)
      say(`${percent} %, ${duration(left)} left: ${what}`)
    },
  }
}

export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
