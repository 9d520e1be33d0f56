/**
 * The metrics of the app: what its workers have measured, added up. Counters go on when workers end; gauges are those
 * of the living.
 */
import type { AppFamily } from '../../worker/protocol/app-metrics.ts'
import { readMessage } from '../kinds/worker-message.ts'
import { inTurns, type Steps } from '../system/steps.ts'
import type { AppTotals, Heard } from '../workers/totals.ts'
import { readFamilies } from './app-families.ts'
import { Asking, type MeasuredWorker } from './asking.ts'
import type { Family } from './exposition.ts'
import { type KnownSeries, SeriesTable, type Values } from './known-series.ts'
import { Measured } from './measured.ts'
import { combine, together } from './series.ts'

/** How many values of workers that have ended, here or before, are remembered: an app may make up labels without end. */
const mostEnded = 20_000

/** How many metrics there may be in all. */
const mostFamilies = 2_000

/** What is to be done about the metrics of a worker, in this order. */
type Event = Heard | { readonly age: number; readonly hasEnded: true }

export class AppMetrics implements AppTotals {
  readonly #asking = new Asking()
  readonly #table = new SeriesTable()
  readonly #report: (message: string) => void
  #hasReported = false
  /** Counters of workers that have ended. */
  readonly #ended: Values = new Map()
  /** Counters from before this arbiter. */
  #inherited = new Measured(0, this.#table)
  /** The last whole answer of each living worker, by age. */
  readonly #living = new Map<number, Measured>()
  readonly #answers = new Map<number, Measured>()
  /** What has happened and was not looked at yet, and the work of that. */
  readonly #events: Event[] = []
  #reading: Promise<void> | undefined
  /** All metrics without their samples, as the worker that spoke last describes them. */
  readonly #described = new Map<string, AppFamily>()

  constructor(report: (message: string) => void = () => undefined) {
    this.#report = report
  }

  async measure(workers: readonly MeasuredWorker[]): Promise<void> {
    await this.#asking.ask(workers)
  }

  hear(heard: Heard): void {
    this.#put(heard)
  }

  end(age: number): void {
    this.#put({ age, hasEnded: true })
  }

  /** Resolves when everything that has happened is counted. */
  async settled(): Promise<void> {
    await this.#reading
  }

  #put(event: Event): void {
    this.#events.push(event)
    this.#reading ??= inTurns(this.#readAll())
  }

  *#readAll(): Steps<void> {
    try {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
        if ('hasEnded' in next) yield* this.#bury(next.age)
        else yield* this.#read(next)
        yield
      }
    } finally {
      // Here, and not when somebody hears of it: what happens in between would wait for the next event.
      this.#reading = undefined
    }
  }

  *#bury(age: number): Steps<void> {
    const [measured, answer] = [this.#living.get(age), this.#answers.get(age)]
    this.#add(measured?.counted ?? [])
    this.#living.delete(age)
    this.#answers.delete(age)
    this.#asking.answered(age)
    yield
    for (const one of [measured, answer]) if (one !== undefined) yield* one.release()
  }

  *#read({ age, text, done }: Heard): Steps<void> {
    const message = readMessage(text)
    done(message !== undefined)
    yield
    if (message?.type !== 'metrics') return
    const { turn, families, isLast } = message
    // Nobody has asked for another one, but for the last words of a worker.
    if (turn !== this.#asking.turn && turn !== 0) return
    const known = this.#answers.get(age)
    const answer = known?.turn === turn ? known : new Measured(turn, this.#table)
    this.#answers.set(age, answer)
    if (known !== undefined && known !== answer) yield* known.release()
    yield* this.#addFamilies(families, answer)
    if (isLast) yield* this.#keep(age, answer)
  }

  *#addFamilies(families: readonly unknown[], measured: Measured): Steps<void> {
    for (const { family, samples } of readFamilies(families)) {
      const { name, type } = family
      if (!this.#described.has(name) && this.#described.size === mostFamilies) continue
      this.#described.set(name, family)
      for (const sample of samples) {
        if (sample !== undefined) measured.add(type, sample)
        yield
      }
    }
    if (!measured.isCut || this.#hasReported) return
    this.#hasReported = true
    this.#report(
      'The app measures too much: some series are left out of its metrics: docs/metrics.md has the limits',
    )
  }

  /** What is wrong while it is read is seen by nobody: only at the end, this answer takes the place of the last. */
  *#keep(age: number, measured: Measured): Steps<void> {
    measured.finish()
    const before = this.#living.get(age)
    // A registry that was reset begins again from zero.
    const lost: [KnownSeries, number][] = []
    for (const [series, value] of before?.counted ?? []) {
      if (value > (measured.counted.get(series) ?? 0)) lost.push([series, value])
      yield
    }
    this.#add(lost)
    this.#living.set(age, measured)
    this.#answers.delete(age)
    this.#asking.answered(age)
    yield
    if (before !== undefined) yield* before.release()
  }

  #add(counted: Iterable<readonly [KnownSeries, number]>): void {
    for (const [series, value] of counted) {
      const known = this.#ended.get(series)
      if (known === undefined && this.#ended.size >= mostEnded) continue
      if (known === undefined) this.#table.keepAgain(series)
      this.#ended.set(series, (known ?? 0) + value)
    }
  }

  /** Goes on from these counters, the latest of several times. */
  *inherit(families: readonly unknown[]): Steps<void> {
    const inherited = new Measured(0, this.#table, mostEnded)
    yield* this.#addFamilies(families, inherited)
    inherited.finish()
    const before = this.#inherited
    this.#inherited = inherited
    yield* before.release()
  }

  /** All counters, for another arbiter to go on from. */
  *counters(): Steps<readonly AppFamily[]> {
    return yield* this.#families(yield* this.#counted([...this.#living.values()]))
  }

  /** Everything, as it is now. */
  *families(): Steps<readonly Family[]> {
    const living = [...this.#living.values()]
    const all = yield* this.#counted(living)
    const gauges = new Map<KnownSeries, number[]>()
    for (const measured of living)
      for (const [series, value] of measured.gauges) {
        const known = gauges.get(series)
        if (known === undefined) gauges.set(series, [value])
        else known.push(value)
        yield
      }
    for (const [series, values] of gauges) {
      const how = this.#described.get(series.name)?.combination
      if (how !== 'omit') all.set(series, combine(values, how))
      yield
    }
    const families = yield* this.#families(all)
    return families.map(({ name, help, type, samples }) => ({ name, help, type, given: samples }))
  }

  /** All counters of the past and of the living. What ends meanwhile changes neither. */
  *#counted(living: readonly Measured[]): Steps<Values> {
    const all: Values = new Map(this.#ended)
    for (const { counted } of [this.#inherited, ...living])
      for (const [series, value] of counted) {
        all.set(series, (all.get(series) ?? 0) + value)
        yield
      }
    return all
  }

  *#families(all: Values): Steps<AppFamily[]> {
    const samples = new Map<string, AppFamily['samples'][number][]>()
    for (const [{ name, labels }, value] of all) {
      const family = this.#familyOf(name)
      const known = samples.get(family)
      const sample = { name, labels, value }
      if (known === undefined) samples.set(family, [sample])
      else known.push(sample)
      yield
    }
    const families: AppFamily[] = []
    for (const family of [...this.#described.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const own = samples.get(family.name)
      if (own === undefined) continue
      families.push({ ...family, samples: family.type === 'histogram' ? yield* together(own) : own })
      yield
    }
    return families
  }

  /** The name of the family that a sample belongs to. */
  #familyOf(name: string): string {
    if (this.#described.has(name)) return name
    return name.replace(/_(bucket|sum|count)$/, '')
  }
}
