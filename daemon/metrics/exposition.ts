/** Prints metrics as text: for Prometheus (version 0.0.4), or as OpenMetrics 1.0. */

import type { AppFamily, AppSample } from '../../worker/protocol/app-metrics.ts'
import type { Steps } from '../system/steps.ts'

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
  const taken = new Set(own.flatMap(namesOf))
  return families.filter(family => {
    const names = namesOf(family)
    const isFree = names.every(name => !taken.has(name))
    if (isFree) for (const name of names) taken.add(name)
    return isFree
  })
}

/** All names that it has in one of the formats. */
function namesOf({ name, type }: Family): readonly string[] {
  const plain = name.replace(/_total$/, '')
  switch (type) {
    case 'counter':
      return [...new Set([name, plain, `${plain}_total`])]
    case 'info':
      return [name, `${name}_info`]
    case 'histogram':
    case 'summary':
      return [name, `${name}_bucket`, `${name}_sum`, `${name}_count`]
    default:
      return [name]
  }
}

/** How many characters of the text become bytes at a time. */
const pieceLength = 16_384

/** The text in pieces: it may be long. */
export function* exposition(families: readonly Family[], format: Format): Steps<readonly Buffer[]> {
  const pieces: Buffer[] = []
  let text = ''
  for (const line of linesIn(families, format)) {
    text += `${line}\n`
    if (text.length > pieceLength) {
      pieces.push(Buffer.from(text))
      text = ''
    }
    yield
  }
  return [...pieces, Buffer.from(text)]
}

function* linesIn(families: readonly Family[], format: Format): Generator<string> {
  for (const family of families) yield* linesOf(family, format)
  if (format === 'openmetrics') yield '# EOF'
}

function* linesOf(family: Family, format: Format): Generator<string> {
  const { name, help, type } = family
  if ('given' in family) return yield* givenLines(family, format)
  const isPlain = format === 'prometheus'
  const full = sampleName(family)
  yield* headLines(isPlain ? full : name, help, isPlain && type === 'info' ? 'gauge' : type)
  if ('histogram' in family) return yield* histogramLines(name, family.histogram)
  for (const { labels, value } of family.samples) yield `${full}${labelsText(labels)} ${number(value)}`
}

function* givenLines(
  { name, help, type, given }: Extract<Family, { given: unknown }>,
  format: Format,
): Generator<string> {
  // OpenMetrics has counters end in `_total`, and declares them without it.
  const isOpenCounter = format === 'openmetrics' && type === 'counter'
  const declared = isOpenCounter ? name.replace(/_total$/, '') : name
  yield* headLines(declared, help, type)
  for (const { name: full, labels, value } of given)
    yield `${isOpenCounter ? `${declared}_total` : full}${labelsText(labels)} ${number(value)}`
}

function headLines(name: string, help: string, type: string): readonly string[] {
  return [`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${type}`]
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
