/**
 * The metrics of the app: what its workers have measured, added up. Counters go on when workers end; gauges are those
 * of the living.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type AppFamily, type AppSample, measureMs, mostSamples } from '../../worker/protocol/app-metrics.ts'
import type { FromWorker, ToWorker } from '../../worker/protocol/messages.ts'
import type { WorkerState } from '../state/worker-state.ts'
import { atOnce, inTurns, type Steps } from '../system/steps.ts'
import type { AppTotals } from '../workers/totals.ts'
import { readFamilies } from './app-families.ts'
import type { Family } from './exposition.ts'
import { combine, isBucket, keyOf, plus, type Series, together, withoutBound } from './series.ts'

export interface MeasuredWorker {
  readonly age: number
  readonly state: WorkerState
  send(message: ToWorker): void
}

type MetricsMessage = Extract<FromWorker, { type: 'metrics' }>

/** What a worker has measured. */
class Measured {
  readonly turn: number
  /** Its counters; they still count when it has ended. */
  readonly counted: Series = new Map()
  readonly gauges: Series = new Map()
  /** The last bucket of each histogram, with its count. */
  readonly #below = new Map<string, number>()
  readonly #most: number

  constructor(turn: number, most = mostSamples) {
    this.turn = turn
    this.#most = most
  }

  add({ type, samples }: AppFamily): void {
    const series = type === 'gauge' ? this.gauges : this.counted
    for (const sample of samples) {
      if (this.counted.size + this.gauges.size >= this.#most) return
      plus(series, keyOf(sample), type === 'histogram' && isBucket(sample) ? this.#apart(sample) : sample)
    }
  }

  /** What is in this bucket alone: workers may have different ones, as before and after a reload. */
  #apart(sample: AppSample): AppSample {
    const key = keyOf(withoutBound(sample))
    const below = this.#below.get(key) ?? 0
    this.#below.set(key, Math.max(below, sample.value))
    return { ...sample, value: Math.max(0, sample.value - below) }
  }
}

/** How many samples of workers that have ended, here or before, are remembered: an app may make up labels without end. */
const mostEnded = 20_000

/** How many metrics there may be in all. */
const mostFamilies = 2_000

/** How many messages may wait to be read: more are read at once. */
const mostHeard = 200

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
  /** What workers have said and nobody has read yet, and the work of reading it. */
  readonly #heard: { readonly age: number; readonly message: MetricsMessage }[] = []
  #reading: Steps<void> | undefined
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

  hear(age: number, message: MetricsMessage): void {
    // Nobody has asked for another one, but for the last words of a worker.
    if (message.turn !== this.#turn && message.turn !== 0) return
    this.#heard.push({ age, message })
    if (this.#reading === undefined) {
      this.#reading = this.#readAll()
      void inTurns(this.#reading)
    }
    if (this.#heard.length > mostHeard) this.#catchUp()
  }

  end(age: number): void {
    this.#catchUp()
    this.#add(this.#living.get(age)?.counted ?? [])
    this.#living.delete(age)
    this.#answers.delete(age)
    this.#answered(age)
  }

  /** Reads everything that was heard. */
  *#readAll(): Steps<void> {
    try {
      for (let next = this.#heard.shift(); next !== undefined; next = this.#heard.shift())
        yield* this.#readMessage(next.age, next.message)
    } finally {
      this.#reading = undefined
    }
  }

  *#readMessage(age: number, { turn, families, isLast }: MetricsMessage): Steps<void> {
    let answer = this.#answers.get(age)
    if (answer?.turn !== turn) answer = new Measured(turn)
    this.#answers.set(age, answer)
    yield
    for (const family of readFamilies(families)) {
      yield
      this.#read(family, answer)
    }
    if (isLast) this.#keep(age, answer)
    yield
  }

  #catchUp(): void {
    if (this.#reading !== undefined) atOnce(this.#reading)
  }

  /** Goes on from these counters, the latest of several times. */
  inherit(families: readonly AppFamily[]): void {
    const inherited = new Measured(0, mostEnded)
    for (const family of families) this.#read(family, inherited)
    this.#inherited = inherited.counted
  }

  /** All counters, for another arbiter to go on from. */
  *counters(): Steps<readonly AppFamily[]> {
    return yield* this.#families(yield* this.#counted([...this.#living.values()]))
  }

  /** Everything, as it is now. */
  *families(): Steps<readonly Family[]> {
    const living = [...this.#living.values()]
    const all = yield* this.#counted(living)
    const gauges = new Map<string, AppSample[]>()
    for (const measured of living)
      for (const [key, sample] of measured.gauges) {
        const known = gauges.get(key)
        if (known === undefined) gauges.set(key, [sample])
        else known.push(sample)
        yield
      }
    for (const [key, samples] of gauges) {
      const [first] = samples as [AppSample, ...AppSample[]]
      const how = this.#described.get(first.name)?.combination
      const values = samples.map(({ value }) => value)
      if (how !== 'omit') all.set(key, { ...first, value: combine(values, how) })
      yield
    }
    const families = yield* this.#families(all)
    return families.map(({ name, help, type, samples }) => ({ name, help, type, given: samples }))
  }

  /** All counters of the past and of the living. What ends meanwhile changes neither. */
  *#counted(living: readonly Measured[]): Steps<Series> {
    const [ended, inherited] = [[...this.#ended], this.#inherited]
    const all: Series = new Map()
    for (const series of [ended, inherited, ...living.map(({ counted }) => counted)])
      for (const [key, sample] of series) {
        plus(all, key, sample)
        yield
      }
    return all
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

  *#families(all: Series): Steps<AppFamily[]> {
    const samples = new Map<string, AppSample[]>()
    for (const sample of all.values()) {
      const name = this.#familyOf(sample.name)
      const known = samples.get(name)
      if (known === undefined) samples.set(name, [sample])
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
