/** Metrics of the app, as workers send them to the arbiter, which adds up those of all workers. */

export const appMetricTypes = ['counter', 'gauge', 'histogram', 'summary'] as const

/** How the values of several workers become one, in the words of `prom-client`; `first` is that of the oldest. */
export const combinations = ['sum', 'first', 'min', 'max', 'average', 'omit'] as const

export interface AppSample {
  /** With the suffix that it has: `_bucket`, `_sum`, `_count`. */
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Samples of one metric of a worker. */
export interface AppFamily {
  readonly name: string
  readonly help: string
  readonly type: (typeof appMetricTypes)[number]
  readonly combination: (typeof combinations)[number]
  readonly samples: readonly AppSample[]
}

/** How many samples one worker may have; further ones are left out. */
export const mostSamples = 5_000

/** The longest name, help text, and value of a label, in characters, and the most labels of a sample. */
export const longestName = 200
export const longestHelp = 1_000
export const longestLabel = 500
export const mostLabels = 32

/** How long a worker may take to read the metrics of its app, in milliseconds: some are computed only then. */
export const measureMs = 1_000
