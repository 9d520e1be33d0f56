/** The series of the app that are remembered: each once, however many workers have it, and no more than fit. */
import type { AppSample } from '../../worker/protocol/app-metrics.ts'
import { keyOf } from './series.ts'

/** A name with its labels. */
export interface KnownSeries {
  readonly name: string
  readonly labels: AppSample['labels']
  readonly key: string
  /** How many remember it. */
  users: number
}

/** Values of series. */
export type Values = Map<KnownSeries, number>

/** How many different ones there may be, in how many characters, and how many values of all workers. */
export const mostSeries = 40_000
export const longestSeries = 8 * 1024 * 1024
export const mostValues = 1_000_000

export class SeriesTable {
  readonly #all = new Map<string, KnownSeries>()
  #length = 0
  #values = 0

  get size(): number {
    return this.#all.size
  }

  /** The series of this sample, which one more remembers; undefined if that is too much. */
  keep(sample: Pick<AppSample, 'name' | 'labels'>): KnownSeries | undefined {
    const key = keyOf(sample)
    const known = this.#all.get(key)
    if (this.#values >= mostValues) return undefined
    if (known === undefined && (this.#all.size >= mostSeries || this.#length + key.length > longestSeries))
      return undefined
    const { name, labels } = sample
    const series = known ?? { name, labels, key, users: 0 }
    if (known === undefined) {
      this.#all.set(key, series)
      this.#length += key.length
    }
    this.keepAgain(series)
    return series
  }

  keepAgain(series: KnownSeries): void {
    series.users += 1
    this.#values += 1
  }

  /** One of those that remember it does so no more. */
  release(series: KnownSeries): void {
    series.users -= 1
    this.#values -= 1
    if (series.users > 0) return
    this.#all.delete(series.key)
    this.#length -= series.key.length
  }
}
