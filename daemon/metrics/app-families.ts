/** Checks the metrics that workers send: they run other people's code, and nothing they write is trusted. */
import {
  type AppFamily,
  type AppSample,
  appMetricTypes,
  combinations,
  longestHelp,
  longestLabel,
  longestName,
  mostLabels,
} from '../../worker/protocol/app-metrics.ts'

/** The names that Prometheus allows. */
const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const labelName = /^[a-zA-Z_][a-zA-Z0-9_]*$/

const suffixes: Readonly<Record<AppFamily['type'], readonly string[]>> = {
  counter: [''],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count'],
  // The quantiles of several workers cannot be combined.
  summary: ['_sum', '_count'],
}

interface ReadFamily {
  /** Without samples. */
  readonly family: AppFamily
  /** Undefined for each that is none; they are read one by one. */
  readonly samples: Iterable<AppSample | undefined>
}

/** What of it are metrics; everything else is left out. */
export function* readFamilies(families: readonly unknown[]): Generator<ReadFamily> {
  for (const family of families) {
    const read = readFamily(Object(family) as Partial<AppFamily>)
    if (read !== undefined) yield read
  }
}

function readFamily({ name, help, type, combination, samples }: Partial<AppFamily>): ReadFamily | undefined {
  const isFamily =
    isName(name, metricName) &&
    isText(help, longestHelp) &&
    isOneOf(appMetricTypes, type) &&
    isOneOf(combinations, combination) &&
    Array.isArray(samples)
  if (!isFamily) return undefined
  const family = { name, help, type, combination, samples: [] }
  return { family, samples: readSamples(family, samples) }
}

function* readSamples(
  { name, type }: AppFamily,
  samples: readonly unknown[],
): Generator<AppSample | undefined> {
  const names = suffixes[type].map(suffix => `${name}${suffix}`)
  for (const given of samples) {
    const sample = readSample(Object(given) as Partial<AppSample>, names)
    // A counter never goes back.
    yield type === 'gauge' || (sample?.value ?? 0) >= 0 ? sample : undefined
  }
}

function readSample(
  { name, labels, value }: Partial<AppSample>,
  names: readonly string[],
): AppSample | undefined {
  if (name === undefined || !names.includes(name) || !Number.isFinite(value)) return undefined
  const pairs = Object.entries(Object(labels) as Readonly<Record<string, unknown>>)
  const areLabels =
    pairs.length <= mostLabels &&
    pairs.every(([label, text]) => isName(label, labelName) && isText(text, longestLabel))
  return areLabels
    ? { name, labels: Object.fromEntries(pairs) as AppSample['labels'], value: value as number }
    : undefined
}

function isName(name: unknown, allowed: RegExp): name is string {
  return isText(name, longestName) && allowed.test(name)
}

function isText(text: unknown, longest: number): text is string {
  return typeof text === 'string' && text.length <= longest
}

function isOneOf<Word extends string>(words: readonly Word[], word: unknown): word is Word {
  return words.some(known => known === word)
}
