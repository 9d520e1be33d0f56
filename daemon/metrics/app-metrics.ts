/**
 * The metrics of the app: what its workers have measured, added up. Counters go on when workers end; gauges are those
 * of the living.
 */
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { type AppFamily, type AppSample, measureMs, mostSamples } from '../../worker/protocol/app-metrics.ts'
import type { FromWorker, ToWorker } from '../../worker/protocol/messages.ts'
import type { WorkerState } from '../state/worker-state.ts'
import type { AppTotals } from '../workers/totals.ts'
import { readFamilies } from './app-families.ts'
import type { Family } from './exposition.ts'

export interface MeasuredWorker {
  readonly age: number
  readonly state: WorkerState
  send(message: ToWorker): void
}

/** Samples by what identifies them: their name and labels. */
type Series = Map<string, AppSample>

/** What a worker has measured. */
class Measured {
  readonly turn: number
  /** Its counters; they still count when it has ended. */
  readonly counted: Series = new Map()
  readonly gauges: Series = new Map()
  readonly #most: number

  constructor(turn: number, most = mostSamples) {
    this.turn = turn
    this.#most = most
  }

  add({ type, samples }: AppFamily): void {
    for (const sample of samples) {
      const series = type === 'gauge' ? this.gauges : this.counted
      if (this.counted.size + this.gauges.size < this.#most) plus(series, keyOf(sample), sample)
    }
  }
}

/** How many samples of workers that have ended, here or before, are remembered: an app may make up labels without end. */
const mostEnded = 20_000

/** How many metrics there may be in all. */
const mostFamilies = 2_000

/** How much longer than a worker needs to wait for its answer, in milliseconds. */
const slackMs = 200

export class AppMetrics implements AppTotals {
  #turn = 0
  /** Counters of workers that have ended. */
  readonly #ended: Series = new Map()
  /** Counters from before this arbiter. */
  #inherited: Series = new Map()
  /** The last whole answer of each living worker, by age. */
  readonly #living = new Map<number, Measured>()
  readonly #answers = new Map<number, Measured>()
  /** All metrics without their samples, as the worker that spoke last describes them. */
  readonly #described = new Map<string, AppFamily>()
  #waiting: { readonly ages: Set<number>; readonly done: () => void } | undefined

  /** Asks the workers, and waits for their answers, but for those of workers that are stuck. */
  async measure(workers: readonly MeasuredWorker[]): Promise<void> {
    const asked = workers.filter(({ state }) => state === 'ready' || state === 'draining')
    if (asked.length === 0) return
    this.#turn += 1
    this.#waiting?.done()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting = { ages: new Set(asked.map(({ age }) => age)), done: resolve }
    for (const worker of asked) worker.send({ type: 'measure', turn: this.#turn })
    const late = new AbortController()
    const end = sleep(measureMs + slackMs, undefined, { signal: late.signal }).catch(() => undefined)
    await Promise.race([promise, end])
    late.abort()
  }

  hear(age: number, { turn, families, isLast }: Extract<FromWorker, { type: 'metrics' }>): void {
    // Nobody has asked for another one, but for the last words of a worker.
    if (turn !== this.#turn && turn !== 0) return
    let answer = this.#answers.get(age)
    if (answer?.turn !== turn) answer = new Measured(turn)
    this.#answers.set(age, answer)
    for (const family of readFamilies(families)) this.#read(family, answer)
    if (isLast) this.#keep(age, answer)
  }

  end(age: number): void {
    this.#add(this.#living.get(age)?.counted ?? [])
    this.#living.delete(age)
    this.#answers.delete(age)
    this.#answered(age)
  }

  /** Goes on from these counters, the latest of several times. */
  inherit(families: readonly AppFamily[]): void {
    const inherited = new Measured(0, mostEnded)
    for (const family of families) this.#read(family, inherited)
    this.#inherited = inherited.counted
  }

  /** All counters, for another arbiter to go on from. */
  get counters(): readonly AppFamily[] {
    const all = this.#past()
    for (const { counted } of this.#living.values())
      for (const [key, sample] of counted) plus(all, key, sample)
    return this.#families(all)
  }

  /** Everything, as it is now; lets the arbiter do other work in between. */
  async families(): Promise<readonly Family[]> {
    const all = this.#past()
    const gauges = new Map<string, AppSample[]>()
    for (const measured of this.#living.values()) {
      for (const [key, sample] of measured.counted) plus(all, key, sample)
      for (const [key, sample] of measured.gauges) {
        const known = gauges.get(key)
        if (known === undefined) gauges.set(key, [sample])
        else known.push(sample)
      }
      await setImmediate()
    }
    for (const [key, samples] of gauges) {
      const [first] = samples as [AppSample, ...AppSample[]]
      const how = this.#described.get(first.name)?.combination
      const values = samples.map(({ value }) => value)
      if (how !== 'omit') all.set(key, { ...first, value: combine(values, how) })
    }
    return this.#families(all).map(({ name, help, type, samples }) => ({ name, help, type, given: samples }))
  }

  /** Counters of those that do not count any more. */
  #past(): Series {
    const past: Series = new Map(this.#ended)
    for (const [key, sample] of this.#inherited) plus(past, key, sample)
    return past
  }

  #read(family: AppFamily, measured: Measured): void {
    if (!this.#described.has(family.name) && this.#described.size === mostFamilies) return
    this.#described.set(family.name, { ...family, samples: [] })
    measured.add(family)
  }

  #keep(age: number, measured: Measured): void {
    // A registry that was reset begins again from zero.
    const lost = Array.from(this.#living.get(age)?.counted ?? []).filter(([key, { value }]) => {
      return value > (measured.counted.get(key)?.value ?? 0)
    })
    this.#add(lost)
    this.#living.set(age, measured)
    this.#answers.delete(age)
    this.#answered(age)
  }

  #answered(age: number): void {
    this.#waiting?.ages.delete(age)
    if (this.#waiting?.ages.size === 0) this.#waiting.done()
  }

  #add(counted: Iterable<readonly [string, AppSample]>): void {
    for (const [key, sample] of counted)
      if (this.#ended.size < mostEnded || this.#ended.has(key)) plus(this.#ended, key, sample)
  }

  #families(all: Series): AppFamily[] {
    const samples = Map.groupBy(all.values(), ({ name }) => this.#familyOf(name))
    return Array.from(this.#described.values())
      .map(family => ({ ...family, samples: samples.get(family.name) ?? [] }))
      .filter(family => family.samples.length > 0)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** The name of the family that a sample belongs to. */
  #familyOf(name: string): string {
    if (this.#described.has(name)) return name
    return name.replace(/_(bucket|sum|count)$/, '')
  }
}

function plus(series: Series, key: string, sample: AppSample): void {
  const known = series.get(key)
  series.set(key, known === undefined ? sample : { ...sample, value: known.value + sample.value })
}

function keyOf({ name, labels }: AppSample): string {
  return JSON.stringify([name, ...Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))])
}

/** The values are those of the workers, oldest first. */
function combine(values: readonly number[], how: string | undefined): number {
  const sum = values.reduce((all, value) => all + value, 0)
  switch (how) {
    case 'first':
      return values[0] as number
    case 'min':
      return Math.min(...values)
    case 'max':
      return Math.max(...values)
    case 'average':
      return sum / values.length
    default:
      return sum
  }
}
