/** Measures how long this process did not run: a client that is held up leaves its connections idle unintentionally. */

/** How often to check, and which delay does not count as a pause, in milliseconds. */
const stepMs = 50
const shortMs = 100

/** How long pauses are remembered, in milliseconds. */
const memoryMs = 60_000

/**
 * Starts watching; the returned function says for how long in all the process did not run since a time of `Date.now()`,
 * in milliseconds.
 */
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
  // A caller may ask before the timer has noticed the latest pause.
  return since => {
    const newest = Math.max(0, performance.now() - last - stepMs)
    return pauses.filter(({ at }) => at >= since).reduce((sum, { ms }) => sum + ms, newest)
  }
}
