/** The one timer of the arbiter: it rings at the soonest deadline. */
import { longestDelay } from '../../hooks/time-limit.ts'
import { monotonicNow } from '../../worker/protocol/scoreboard.ts'

/** Load alone does not make a timer so late, in milliseconds. */
const suspiciousMs = 1_000

export class Alarm {
  readonly #ring: () => void
  // Without workers there may be nothing else that keeps the process alive: handlers of signals do not.
  readonly #alive = setInterval(() => undefined, longestDelay)
  #timer: NodeJS.Timeout | undefined
  /** In milliseconds of the monotonic clock. */
  #due = Infinity

  constructor(ring: () => void) {
    this.#ring = ring
  }

  /** It should have rung long ago: this process did not run. */
  get isOverdue(): boolean {
    return monotonicNow() - this.#due > suspiciousMs
  }

  /** Sets it again, to the soonest of these times; undefined is never. */
  set(...times: readonly (number | undefined)[]): void {
    clearTimeout(this.#timer)
    const due = Math.min(...times.filter(time => time !== undefined))
    this.#due = due
    if (due === Infinity) return
    const delay = Math.min(longestDelay, Math.max(0, due - monotonicNow()) + 1)
    this.#timer = setTimeout(this.#ring, delay)
  }

  close(): void {
    clearTimeout(this.#timer)
    clearInterval(this.#alive)
  }
}
