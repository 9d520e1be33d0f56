/** The one timer of the arbiter: it rings at the soonest deadline. */
import { longestDelay } from '../../hooks/time-limit.ts'
import { monotonicNow } from '../../worker/protocol/scoreboard.ts'

export class Alarm {
  readonly #ring: (due: number) => void
  // Without workers there may be nothing else that keeps the process alive: handlers of signals do not.
  readonly #alive = setInterval(() => undefined, longestDelay)
  #timer: NodeJS.Timeout | undefined

  /** `ring` is told when it was due, in milliseconds of the monotonic clock. */
  constructor(ring: (due: number) => void) {
    this.#ring = ring
  }

  /** Sets it anew, to the soonest of these times; undefined is never. */
  set(...times: readonly (number | undefined)[]): void {
    clearTimeout(this.#timer)
    const due = Math.min(...times.filter(time => time !== undefined))
    if (due === Infinity) return
    const delay = Math.min(longestDelay, Math.max(0, due - monotonicNow()) + 1)
    this.#timer = setTimeout(() => this.#ring(due), delay)
  }

  close(): void {
    clearTimeout(this.#timer)
    clearInterval(this.#alive)
  }
}
