/** A rate limit: `size` at once, `perSecond` in the long run. */
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

  /** Takes this many tokens if there are enough, else none. */
  take(cost: number): boolean {
    this.#refill()
    if (this.#tokens < cost) return false
    this.#tokens -= cost
    return true
  }

  /** Takes this many tokens in any case; returns for how many milliseconds there are none left. */
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
