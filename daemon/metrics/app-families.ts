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

/** What of it are metrics; everything else is left out. */
export function readFamilies(families: readonly unknown[]): AppFamily[] {
  return families.flatMap(family => readFamily(Object(family) as Partial<AppFamily>))
}

function readFamily({ name, help, type, combination, samples }: Partial<AppFamily>): AppFamily[] {
  const isFamily =
    isName(name, metricName) &&
    isText(help, longestHelp) &&
    isOneOf(appMetricTypes, type) &&
    isOneOf(combinations, combination) &&
    Array.isArray(samples)
  if (!isFamily) return []
  const names = suffixes[type].map(suffix => `${name}${suffix}`)
  const read = samples
    .flatMap(sample => readSample(Object(sample) as Partial<AppSample>, names))
    // A counter never goes back.
    .filter(({ value }) => type === 'gauge' || value >= 0)
  return [{ name, help, type, combination, samples: read }]
}

function readSample({ name, labels, value }: Partial<AppSample>, names: readonly string[]): AppSample[] {
  if (name === undefined || !names.includes(name) || !Number.isFinite(value)) return []
  const pairs = Object.entries(Object(labels) as Readonly<Record<string, unknown>>)
  const areLabels =
    pairs.length <= mostLabels &&
    pairs.every(([label, text]) => isName(label, labelName) && isText(text, longestLabel))
  return areLabels
    ? [{ name, labels: Object.fromEntries(pairs) as AppSample['labels'], value: value as number }]
    : []
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
