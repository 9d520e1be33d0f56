/** A limit on how much of something there may be: `size` at once, `perSecond` in the long run. */
import { monotonicNow } from '../../worker/protocol/scoreboard.ts'

export class TokenBucket {
  readonly #size: number
  readonly #perMs: number
  readonly #clock: () => number
  #tokens: number
  #at: number

  constructor(size: number, perSecond: number, clock: () => number = monotonicNow) {
    this.#size = size
    this.#perMs = perSecond / 1_000
    this.#clock = clock
    this.#tokens = size
    this.#at = clock()
  }

  /** Takes so many where there are as many; else it takes none. */
  take(cost: number): boolean {
    this.#refill()
    if (this.#tokens < cost) return false
    this.#tokens -= cost
    return true
  }

  /** Takes so many in any case; returns for how many milliseconds there are none. */
  spend(cost: number): number {
    this.#refill()
    this.#tokens -= cost
    return this.#tokens >= 0 ? 0 : Math.ceil(-this.#tokens / this.#perMs)
  }

  #refill(): void {
    const now = this.#clock()
    this.#tokens = Math.min(this.#size, this.#tokens + (now - this.#at) * this.#perMs)
    this.#at = now
  }
}
