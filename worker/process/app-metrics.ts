/** Reads what the app has measured with `prom-client`, and tells the arbiter. */
import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import { stackOf } from '../../hooks/thrown.ts'
import {
  type AppFamily,
  type AppSample,
  appMetricTypes,
  combinations,
  longestHelp,
  longestLabel,
  longestName,
  measureMs,
  mostLabels,
  mostSamples,
} from '../protocol/app-metrics.ts'
import { tellArbiter } from './arbiter-channel.ts'
import type { WorkerLog } from './log.ts'

/** A metric as `getMetricsAsJSON` of `prom-client` describes it. */
interface Described {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly aggregator?: string
  readonly values: readonly {
    readonly value: number
    readonly labels?: Readonly<Record<string, string | number>>
    readonly metricName?: string
  }[]
}

interface Registry {
  getMetricsAsJSON(): Promise<readonly Described[]> | readonly Described[]
}

/** How many bytes of samples go into one message, about. */
const messageLength = 64 * 1024

let hasFailed = false
let hasTooMany = false

/** The modules that this process has loaded with `require`, or by `import` of a CommonJS module. */
const { cache } = createRequire(import.meta.url)

/**
 * Tells the arbiter the metrics in the default registries of `prom-client`; `turn` is the number of its question, or 0
 * for the last time. Resolves when that is done, takes too long, or fails.
 */
export async function tellAppMetrics(turn: number, log: Pick<WorkerLog, 'warning'>): Promise<void> {
  try {
    const described = await Promise.race([describe(), sleep(measureMs, undefined, { ref: false })])
    // Without an answer, the arbiter keeps to what it knows.
    if (described === undefined) return
    const left = tellFamilies(turn, described.map(familyOf))
    if (left > 0 && !hasTooMany)
      log.warning(
        `The app measures too much: ${left} samples beyond ${mostSamples} are left out of its metrics`,
      )
    hasTooMany ||= left > 0
  } catch (error) {
    if (!hasFailed) log.warning(`Cannot read the metrics of the app: ${stackOf(error)}`)
    hasFailed = true
  }
}

/** Returns how many samples were too many. */
export function tellFamilies(turn: number, described: Iterable<AppFamily>): number {
  let families: AppFamily[] = []
  let length = 0
  let left = mostSamples
  let leftOut = 0
  for (const { samples: all, ...family } of described) {
    let samples: AppSample[] = []
    const told = whole(all.slice(0, left), family.type, all.length)
    for (const sample of told) {
      samples.push(sample)
      length += Buffer.byteLength(JSON.stringify(sample))
      if (length < messageLength) continue
      tellArbiter({ type: 'metrics', turn, families: [...families, { ...family, samples }], isLast: false })
      families = []
      samples = []
      length = 0
    }
    left -= told.length
    leftOut += all.length - told.length
    families.push({ ...family, samples })
  }
  tellArbiter({ type: 'metrics', turn, families, isLast: true })
  return leftOut
}

/** Without a histogram or a summary of which a part is missing; their count comes last. */
function whole(samples: readonly AppSample[], type: AppFamily['type'], all: number): readonly AppSample[] {
  if (samples.length === all || type === 'counter' || type === 'gauge') return samples
  return samples.slice(0, samples.findLastIndex(({ name }) => name.endsWith('_count')) + 1)
}

/** A program may have several copies of the package: each has a registry of its own. */
async function describe(): Promise<readonly Described[]> {
  const registries = Object.keys(cache)
    .filter(file => file.endsWith('/prom-client/index.js'))
    .map(file => (cache[file]?.exports as { readonly register?: Registry } | undefined)?.register)
  const all = await Promise.all(registries.map(async registry => await registry?.getMetricsAsJSON()))
  return all.flatMap(metrics => metrics ?? [])
}

function familyOf({ name, help, type, aggregator = 'sum', values }: Described): AppFamily {
  return {
    name,
    help: help.slice(0, longestHelp),
    type: oneOf(appMetricTypes, type) ?? 'gauge',
    combination: oneOf(combinations, aggregator) ?? 'sum',
    samples: name.length > longestName ? [] : values.flatMap(value => sampleOf(name, value)),
  }
}

/** Nothing for a value that is no number, or for more labels than fit. */
function sampleOf(
  family: string,
  { value, labels = {}, metricName = family }: Described['values'][number],
): AppSample[] {
  const pairs = Object.entries(labels)
  if (!Number.isFinite(value) || pairs.length > mostLabels) return []
  const short = pairs.map(([label, text]) => [label, String(text).slice(0, longestLabel)] as const)
  return [{ name: metricName, labels: Object.fromEntries(short), value }]
}

function oneOf<Word extends string>(words: readonly Word[], word: string): Word | undefined {
  return words.find(known => known === word)
}
