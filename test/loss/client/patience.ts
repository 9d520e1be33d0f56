/** How long a client waits for an answer: time in which its process did not run does not count. */

/** How long a server may be silent while an answer is expected, in seconds. */
export const patienceSeconds = 20

const tickMs = 500

export const silence = `silent for ${patienceSeconds} s`

export class Patience {
  readonly #timer: NodeJS.Timeout
  #ticks = 0

  /** Calls `over`, once, when the patience is over. */
  constructor(over: () => void) {
    this.#timer = setInterval(() => {
      this.#ticks += 1
      if (this.#ticks * tickMs < patienceSeconds * 1_000) return
      this.end()
      over()
    }, tickMs)
  }

  /** Something has come: it begins again. */
  renew(): void {
    this.#ticks = 0
  }

  end(): void {
    clearInterval(this.#timer)
  }
}
