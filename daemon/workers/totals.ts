/** What all workers have counted together: it never goes back, whatever becomes of a worker, or what it writes. */
import { countedFields, type ScoreRecord } from '../../worker/protocol/scoreboard.ts'
import type { Steps } from '../system/steps.ts'

export type Counts = Readonly<Record<(typeof countedFields)[number], number>>

export const noCounts = fromEach(() => 0)

/** A message about metrics that a worker has sent, and nobody has read. */
export interface Heard {
  readonly age: number
  /** As JSON. */
  readonly text: string
  /** It is read, and was a message or not; until then, the worker has to wait. */
  readonly done: (isMessage: boolean) => void
}

/** What the apps of all workers have measured themselves. */
export interface AppTotals {
  hear(heard: Heard): void
  /** A worker has ended. */
  end(age: number): void
}

/** Values of the counted fields, in their order: sums of thousands of workers are made of them. */
type Values = Float64Array

export class Totals {
  /** Undefined where nobody asks for it. */
  app: AppTotals | undefined
  /** Of workers that have ended. */
  readonly #ended: Values = noValues()
  /** What was counted before this arbiter. */
  #inherited: Counts = noCounts
  /** The most that each living worker has said. */
  readonly #living = new Map<number, Values>()
  /** For each sum under way, the workers that have ended since it began: all of them is counted already. */
  readonly #endedMeanwhile = new Set<Set<number>>()

  /** A worker has ended, and this was its last record. */
  end(age: number, record: ScoreRecord | undefined): void {
    if (record !== undefined) this.#see(age, record)
    add(this.#ended, this.#living.get(age) ?? noValues())
    this.#living.delete(age)
    for (const ended of this.#endedMeanwhile) ended.add(age)
    this.app?.end(age)
  }

  /** Goes on from what was counted before this arbiter, the latest of several times. */
  inherit(counts: Counts): void {
    this.#inherited = counts
  }

  /**
   * Everything counted so far; `records` are those of the living workers, by age. It may be interrupted: there may be
   * thousands of workers.
   */
  *sum(records: ReadonlyMap<number, ScoreRecord>): Steps<Counts> {
    const ended = new Set<number>()
    this.#endedMeanwhile.add(ended)
    try {
      for (const [age, record] of records) {
        if (!ended.has(age)) this.#see(age, record)
        yield
      }
    } finally {
      this.#endedMeanwhile.delete(ended)
    }
    const all = noValues()
    add(all, this.#ended)
    for (const values of [...this.#living.values()]) {
      add(all, values)
      yield
    }
    return fromEach((field, at) => (all[at] as number) + this.#inherited[field])
  }

  #see(age: number, record: ScoreRecord): void {
    const known = this.#living.get(age) ?? noValues()
    for (const [at, field] of countedFields.entries())
      known[at] = Math.max(known[at] as number, record[field])
    this.#living.set(age, known)
  }
}

function noValues(): Values {
  return new Float64Array(countedFields.length)
}

function add(sums: Values, values: Values): void {
  for (const [at, value] of values.entries()) sums[at] = (sums[at] as number) + value
}

function fromEach(value: (field: keyof Counts, at: number) => number): Counts {
  return Object.fromEntries(countedFields.map((field, at) => [field, value(field, at)])) as unknown as Counts
}
