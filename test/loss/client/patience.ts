/**
 * How long a client waits for an answer. Time in which its process did not run does not count, and neither does time in
 * which it ran, but had not read yet what had come: timers that are late are all called before anything is read.
 */

/**
 * How long a server may be silent while an answer is expected, in seconds. A request that is lost is never answered; a
 * connection may have to wait long where processor time is short: Node accepts one connection in each turn of its loop,
 * however many wait, and a turn that serves a hundred others may take a second.
 */
export const patienceSeconds = 100

const tickMs = 500

export const silence = `silent for ${patienceSeconds} s`

export class Patience {
  readonly #timer: NodeJS.Timeout
  readonly #over: () => void
  #ticks = 0
  #hasEnded = false

  /** Calls `over`, once, when the patience is over. */
  constructor(over: () => void) {
    this.#over = over
    // Between a timer and what it has Node do immediately after, everything that has come is read.
    this.#timer = setInterval(() => setImmediate(() => this.#tick()), tickMs)
  }

  /** Something has come: it begins again. */
  renew(): void {
    this.#ticks = 0
  }

  end(): void {
    this.#hasEnded = true
    clearInterval(this.#timer)
  }

  #tick(): void {
    this.#ticks += 1
    if (this.#hasEnded || this.#ticks * tickMs < patienceSeconds * 1_000) return
    this.end()
    this.#over()
  }
}
