/** What identifies samples of the app, and how several become one. */
import type { AppSample } from '../../worker/protocol/app-metrics.ts'
import type { Steps } from '../system/steps.ts'

export function keyOf({ name, labels }: Pick<AppSample, 'name' | 'labels'>): string {
  return JSON.stringify([name, ...sortedLabels({ labels })])
}

function sortedLabels({ labels }: Pick<AppSample, 'labels'>): readonly (readonly [string, string])[] {
  return Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))
}

/** The values are those of the workers, oldest first. */
export function combine(values: readonly number[], how: string | undefined): number {
  const sum = values.reduce((all, value) => all + value, 0)
  switch (how) {
    case 'first':
      return values[0] as number
    case 'min':
      return Math.min(...values)
    case 'max':
      return Math.max(...values)
    case 'average':
      return sum / values.length
    default:
      return sum
  }
}

/** Histograms as Prometheus has them: in each bucket what is in those below as well, up to the largest. */
export function* together(samples: readonly AppSample[]): Steps<readonly AppSample[]> {
  const histograms = new Map<string, { readonly buckets: AppSample[]; readonly others: AppSample[] }>()
  for (const sample of samples) {
    const key = JSON.stringify(sortedLabels(withoutBound(sample)))
    const known = histograms.get(key) ?? { buckets: [], others: [] }
    histograms.set(key, known)
    known[isBucket(sample) ? 'buckets' : 'others'].push(sample)
    yield
  }
  const all: AppSample[] = []
  for (const { buckets, others } of histograms.values()) {
    let value = 0
    for (const bucket of buckets.sort((a, b) => boundOf(a) - boundOf(b))) {
      value += bucket.value
      all.push({ ...bucket, value })
    }
    all.push(...others)
    yield
  }
  return all
}

export function isBucket({ name, labels }: AppSample): boolean {
  return name.endsWith('_bucket') && labels.le !== undefined
}

function boundOf({ labels: { le } }: AppSample): number {
  return le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le)
}

export function withoutBound({ name, labels: { le: _, ...labels }, value }: AppSample): AppSample {
  return { name, labels, value }
}
