/** What an arbiter has counted, on its way to the new one of an upgrade: in short messages, as the receiver reads them. */
import { atOnce, inTurns } from '../system/steps.ts'
import type { AppMetrics } from './app-metrics.ts'
import { type AdministeredServer, type Counters, countersOf, readCounters } from './counters.ts'

/** How many samples go into one message. */
const mostInMessage = 500

/** Counters of the app, or a part of them. */
interface AppPart {
  /** Families, which are checked when they are read. */
  readonly app: readonly unknown[]
  readonly isLast: boolean
}

export class Bequest {
  readonly #app: AppMetrics
  /** What an old arbiter has counted. */
  inherited: Counters | undefined
  /** What has come of the counters of the app. */
  #parts: unknown[] = []
  #reading: Promise<void> = Promise.resolve()
  #telling: Promise<void> | undefined

  constructor(app: AppMetrics) {
    this.#app = app
  }

  /** Tells a new arbiter, if there is one, everything counted so far, unless it is being told already. */
  tell(server: AdministeredServer): void {
    this.#telling ??= this.#tell(server).finally(() => {
      this.#telling = undefined
    })
  }

  /** Tells it again, for the last time; resolves when that is sent. */
  async tellLast(server: AdministeredServer): Promise<void> {
    await this.#telling
    await this.#tell(server)
  }

  async #tell(server: AdministeredServer): Promise<void> {
    const { upgrader } = server
    if (upgrader.newArbiter === undefined) return
    // Before anything else: whoever kills this arbiter does so when the new one is ready.
    await upgrader.tellNewArbiter(atOnce(countersOf(server, this.inherited)))
    await this.#app.settled()
    const families = await inTurns(this.#app.counters())
    for (const family of families)
      for (let from = 0; from < family.samples.length; from += mostInMessage) {
        const samples = family.samples.slice(from, from + mostInMessage)
        const part: AppPart = { app: [{ ...family, samples }], isLast: false }
        await upgrader.tellNewArbiter(part)
      }
    const last: AppPart = { app: [], isLast: true }
    await upgrader.tellNewArbiter(last)
  }

  /**
   * Goes on from this message of the old arbiter, if it is about counters; they are of several times, the last counts.
   * Returns those of requests and workers, if it has these.
   */
  hear(message: unknown): Counters | undefined {
    const counters = readCounters(message)
    if (counters === undefined) this.#hearOfApp(message)
    else this.inherited = counters
    return counters
  }

  #hearOfApp(message: unknown): void {
    const { app, isLast } = Object(message) as Partial<AppPart>
    if (!Array.isArray(app)) return
    this.#parts.push(...app)
    if (isLast !== true) return
    const parts = this.#parts
    this.#parts = []
    this.#reading = this.#reading.then(() => inTurns(this.#app.inherit(parts)))
  }
}
