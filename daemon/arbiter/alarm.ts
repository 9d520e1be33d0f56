/** The arbiter's one timer: it rings at the next deadline. */
import { longestDelay } from '../../hooks/time-limit.ts'
import { monotonicNow } from '../../worker/protocol/scoreboard.ts'

/** How late a timer is, in milliseconds, when load alone does not explain it. */
const suspiciousMs = 1_000

export class Alarm {
  readonly #ring: () => void
  // Without workers, nothing else may keep the process alive: signal handlers do not.
  readonly #alive = setInterval(() => undefined, longestDelay)
  #timer: NodeJS.Timeout | undefined
  /** In milliseconds of the monotonic clock. */
  #due = Infinity

  constructor(ring: () => void) {
    this.#ring = ring
  }

  /** Whether it should have rung long ago: the process did not run in between. */
  get isOverdue(): boolean {
    return monotonicNow() - this.#due > suspiciousMs
  }

  /** Sets it to the earliest of these times; undefined is never. */
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
