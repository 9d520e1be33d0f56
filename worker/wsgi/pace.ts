/** How many requests a Python host gets that none of its threads has begun. */

/**
 * So many at least: Python begins with the next one without waiting for Node. And as many at most, where it answers so
 * many within the window. What is with Python cannot be taken back when its client leaves, so slow applications get no
 * more than they need.
 */
const leastAhead = 8
const mostAhead = 64
const windowMs = 50

export class Pace {
  #ahead = leastAhead
  #answers = 0
  #since: number

  constructor(now: number) {
    this.#since = now
  }

  get ahead(): number {
    return this.#ahead
  }

  /** Call at each answer, with `performance.now()`. */
  answered(now: number): void {
    this.#answers += 1
    const passed = now - this.#since
    if (passed < windowMs) return
    const quick = Math.ceil((this.#answers * windowMs) / passed)
    this.#ahead = Math.min(mostAhead, Math.max(leastAhead, quick))
    this.#answers = 0
    this.#since = now
  }
}
