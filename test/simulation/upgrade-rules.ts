/** What has to hold of upgrades that are being prepared, seen from the log. */

/** How early the timer of a limit may be, in milliseconds. */
const slackMs = 5

export class UpgradeRules {
  /** From the order until there is a new arbiter, or the log says why there is none. */
  #isPreparing = false
  /** When an operator asked this arbiter to stop meanwhile. */
  #stops: number[] = []
  readonly #now: () => number
  readonly #fail: (rule: string, text: string) => void

  constructor(now: () => number, fail: (rule: string, text: string) => void) {
    this.#now = now
    this.#fail = fail
  }

  /** `boot` is the limit of a start, in seconds: a stop waits no longer. */
  logged(text: string, boot: number): void {
    if (text === 'Handling signal: usr2') {
      if (!this.#isPreparing) this.#stops = []
      this.#isPreparing = true
    }
    if (text === 'Handling signal: term') this.#stops.push(this.#now())
    if (/^Handling signal: (?:int|quit)$/.test(text)) this.#isPreparing = false
    if (text.startsWith('USR2 has no effect')) this.#isPreparing = false
    if (text.startsWith('Not upgrading: ') && !text.includes('is being prepared already'))
      this.#isPreparing = false
    if (text.startsWith('Upgrading: ')) {
      if (!this.#isPreparing) this.#fail('what is taken back does not come', text)
      this.#isPreparing = false
    }
    if (text.startsWith('Stopping: the workers') && this.#isPreparing) this.#checkStop(boot)
  }

  #checkStop(boot: number): void {
    const [first = 0, ...more] = this.#stops
    const waited = this.#now() - first
    if (more.length === 0 && waited < boot * 1_000 - slackMs)
      this.#fail(
        'a stop waits for an upgrade',
        `the stop begins after ${waited} ms, and the upgrade is being prepared`,
      )
  }

  /** Call when an operator has taken the upgrade back. */
  takenBack(): void {
    this.#isPreparing = false
  }
}
