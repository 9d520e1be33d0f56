/** How long this process did not run: a client that is held up leaves its connections idle without meaning to. */

/** How often it is looked, and what is still no pause, in milliseconds. */
const stepMs = 50
const shortMs = 100

/** How long pauses are remembered, in milliseconds. */
const memoryMs = 60_000

/** From now on; the returned function says for how many milliseconds in all it stood still since a moment of `Date.now()`. */
export function watchStandstill(): (since: number) => number {
  let pauses: { readonly at: number; readonly ms: number }[] = []
  let last = performance.now()
  setInterval(() => {
    const now = performance.now()
    const ms = now - last - stepMs
    last = now
    if (ms < shortMs) return
    pauses = [...pauses.filter(({ at }) => at > Date.now() - memoryMs), { at: Date.now(), ms }]
  }, stepMs).unref()
  // Whoever asks may do so before the timer has noticed the newest one.
  return since => {
    const newest = Math.max(0, performance.now() - last - stepMs)
    return pauses.filter(({ at }) => at >= since).reduce((sum, { ms }) => sum + ms, newest)
  }
}
