/** How many lines of one process the log takes: more are dropped, and counted. */
import { TokenBucket } from '../system/token-bucket.ts'

/** How many lines, at once and per second; a line longer than `lineLength` counts as several. */
const linesAtOnce = 5_000
const linesPerSecond = 1_000
const lineLength = 1_024

/** How often dropped lines are reported, in milliseconds. */
const complainMs = 5_000

export class LineBudget {
  readonly #lines = new TokenBucket(linesAtOnce, linesPerSecond)
  readonly #verb: string
  readonly #complain: (text: string) => void
  #dropped = 0
  #complaint: NodeJS.Timeout | undefined

  /** `verb` says what the process does too fast; the text of a complaint follows its name. */
  constructor(verb: string, complain: (text: string) => void) {
    this.#verb = verb
    this.#complain = complain
  }

  /** Whether there is room for a line of so many characters. */
  take(length: number): boolean {
    if (this.#lines.take(1 + Math.floor(length / lineLength))) return true
    this.#dropped += 1
    this.#complaint ??= setTimeout(() => this.report(), complainMs).unref()
    return false
  }

  /** Reports now what has been dropped, if anything has. */
  report(): void {
    clearTimeout(this.#complaint)
    this.#complaint = undefined
    if (this.#dropped === 0) return
    const limit = `${linesPerSecond} a second are taken`
    this.#complain(`${this.#verb} too fast: ${this.#dropped} lines of it were dropped: ${limit}`)
    this.#dropped = 0
  }
}
