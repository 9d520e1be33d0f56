/** Prints metrics as text: for Prometheus (version 0.0.4), or as OpenMetrics 1.0. */

import type { AppFamily, AppSample } from '../../worker/protocol/app-metrics.ts'

export type Labels = Readonly<Record<string, string>>

export interface Sample {
  readonly labels?: Labels
  readonly value: number
}

export interface Histogram {
  /** How many were at most this large, by upper bound; cumulative, without the last one. */
  readonly buckets: readonly (readonly [bound: number, count: number])[]
  readonly count: number
  readonly sum: number
}

/** All samples of one name. The names of counters are without `_total`. */
export type Family = { readonly name: string; readonly help: string } & (
  | { readonly type: 'counter' | 'gauge' | 'info'; readonly samples: readonly Sample[] }
  | { readonly type: 'histogram'; readonly histogram: Histogram }
  /** Of the app, under names of its choice. */
  | { readonly type: AppFamily['type']; readonly given: readonly AppSample[] }
)

export type Format = 'prometheus' | 'openmetrics'

export const contentTypes: Readonly<Record<Format, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

/** The format that an `Accept` header asks for. */
export function formatFor(accept: string | undefined): Format {
  return accept?.includes('application/openmetrics-text') ? 'openmetrics' : 'prometheus'
}

/** Those of the app whose names are not taken: two metrics of one name would make the whole text invalid. */
export function withoutNamesOf(own: readonly Family[], families: readonly Family[]): Family[] {
  const taken = new Set(own.flatMap(family => [family.name, sampleName(family)]))
  return families.filter(({ name }) => !taken.has(name) && !taken.has(name.replace(/_total$/, '')))
}

export function exposition(families: readonly Family[], format: Format): string {
  const lines = families.flatMap(family => linesOf(family, format))
  return [...lines, ...(format === 'openmetrics' ? ['# EOF'] : []), ''].join('\n')
}

function linesOf(family: Family, format: Format): string[] {
  const { name, help, type } = family
  if ('given' in family) return givenLines(family, format)
  const isPlain = format === 'prometheus'
  const full = sampleName(family)
  const declared = isPlain ? full : name
  const shownType = isPlain && type === 'info' ? 'gauge' : type
  const samples =
    'histogram' in family
      ? histogramLines(name, family.histogram)
      : family.samples.map(({ labels, value }) => `${full}${labelsText(labels)} ${number(value)}`)
  return [`# HELP ${declared} ${escapeHelp(help)}`, `# TYPE ${declared} ${shownType}`, ...samples]
}

function givenLines(
  { name, help, type, given }: Extract<Family, { given: unknown }>,
  format: Format,
): string[] {
  // OpenMetrics has counters end in `_total`, and declares them without it.
  const isOpenCounter = format === 'openmetrics' && type === 'counter'
  const declared = isOpenCounter ? name.replace(/_total$/, '') : name
  const lines = given.map(({ name: full, labels, value }) => {
    return `${isOpenCounter ? `${declared}_total` : full}${labelsText(labels)} ${number(value)}`
  })
  return [`# HELP ${declared} ${escapeHelp(help)}`, `# TYPE ${declared} ${type}`, ...lines]
}

/** The name that samples have; those of a histogram have further suffixes. */
export function sampleName({ name, type }: Pick<Family, 'name' | 'type'>): string {
  return `${name}${type === 'counter' ? '_total' : type === 'info' ? '_info' : ''}`
}

function histogramLines(name: string, { buckets, count, sum }: Histogram): string[] {
  const bounds = [
    ...buckets.map(([bound, below]) => [number(bound), below] as const),
    ['+Inf', count] as const,
  ]
  return [
    ...bounds.map(([le, below]) => `${name}_bucket{le="${le}"} ${below}`),
    `${name}_sum ${number(sum)}`,
    `${name}_count ${count}`,
  ]
}

function labelsText(labels: Labels = {}): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${escapeLabel(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"')
}

function number(value: number): string {
  return Number.isFinite(value) ? String(value) : value > 0 ? '+Inf' : 'NaN'
}
