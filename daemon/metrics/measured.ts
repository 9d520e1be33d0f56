/** What one worker has measured, or all before this arbiter. */
import { type AppFamily, type AppSample, mostSamples } from '../../worker/protocol/app-metrics.ts'
import type { Steps } from '../system/steps.ts'
import type { SeriesTable, Values } from './known-series.ts'
import { isBucket, keyOf, withoutBound } from './series.ts'

export class Measured {
  readonly turn: number
  /** Its counters; they still count when it has ended. */
  readonly counted: Values = new Map()
  readonly gauges: Values = new Map()
  /** Something of it was too much to be remembered. */
  isCut = false
  readonly #table: SeriesTable
  readonly #most: number
  /** The last bucket of each histogram, with its count. */
  readonly #below = new Map<string, number>()

  constructor(turn: number, table: SeriesTable, most = mostSamples) {
    this.turn = turn
    this.#table = table
    this.#most = most
  }

  add(type: AppFamily['type'], sample: AppSample): void {
    const values = type === 'gauge' ? this.gauges : this.counted
    const value = type === 'histogram' && isBucket(sample) ? this.#apart(sample) : sample.value
    const isFull = this.counted.size + this.gauges.size >= this.#most
    const series = isFull ? undefined : this.#table.keep(sample)
    if (series === undefined) {
      this.isCut = true
      return
    }
    const known = values.get(series)
    if (known !== undefined) this.#table.release(series)
    values.set(series, (known ?? 0) + value)
  }

  /** All of it has been read. */
  finish(): void {
    this.#below.clear()
  }

  /** Nobody needs it any more. */
  *release(): Steps<void> {
    for (const values of [this.counted, this.gauges])
      for (const series of values.keys()) {
        this.#table.release(series)
        yield
      }
  }

  /** What is in this bucket alone: workers may have different ones, as before and after a reload. */
  #apart(sample: AppSample): number {
    const key = keyOf(withoutBound(sample))
    const below = this.#below.get(key) ?? 0
    this.#below.set(key, Math.max(below, sample.value))
    return Math.max(0, sample.value - below)
  }
}
