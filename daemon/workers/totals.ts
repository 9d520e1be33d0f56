/** What all workers have counted together: it never goes back, whatever becomes of a worker, or what it writes. */
import type { FromWorker } from '../../worker/protocol/messages.ts'
import { countedFields, type ScoreRecord } from '../../worker/protocol/scoreboard.ts'

export type Counts = Readonly<Record<(typeof countedFields)[number], number>>

export const noCounts = fromEach(() => 0)

/** What the apps of all workers have measured themselves. */
export interface AppTotals {
  /** A worker has said this. */
  hear(age: number, message: Extract<FromWorker, { type: 'metrics' }>): void
  /** A worker has ended. */
  end(age: number): void
}

export class Totals {
  /** Undefined where nobody asks for it. */
  app: AppTotals | undefined
  /** Of workers that have ended. */
  #ended: Counts = noCounts
  /** What was counted before this arbiter. */
  #inherited: Counts = noCounts
  /** The most that each living worker has said. */
  readonly #living = new Map<number, Counts>()

  /** Everything counted so far; `records` are those of the living workers, by age. */
  sum(records: ReadonlyMap<number, ScoreRecord>): Counts {
    for (const [age, record] of records) this.#see(age, record)
    return [...this.#living.values()].reduce(plus, plus(this.#ended, this.#inherited))
  }

  /** A worker has ended, and this was its last record. */
  end(age: number, record: ScoreRecord | undefined): void {
    if (record !== undefined) this.#see(age, record)
    this.#ended = plus(this.#ended, this.#living.get(age) ?? noCounts)
    this.#living.delete(age)
    this.app?.end(age)
  }

  /** Goes on from what was counted before this arbiter, the latest of several times. */
  inherit(counts: Counts): void {
    this.#inherited = counts
  }

  #see(age: number, record: ScoreRecord): void {
    const known = this.#living.get(age) ?? noCounts
    this.#living.set(
      age,
      fromEach(field => Math.max(known[field], record[field])),
    )
  }
}

function plus(a: Counts, b: Counts): Counts {
  return fromEach(field => a[field] + b[field])
}

function fromEach(value: (field: keyof Counts) => number): Counts {
  return Object.fromEntries(countedFields.map(field => [field, value(field)])) as unknown as Counts
}
