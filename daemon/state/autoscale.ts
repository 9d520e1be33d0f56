/** How many workers the load needs: grows within seconds, shrinks after minutes of calm, and slower after each mistake. */
import type { WorkerRange } from './scale.ts'

/** What was measured at one moment. */
export interface LoadSample {
  /** Milliseconds of the monotonic clock. */
  readonly now: number
  /** How many workers serve. */
  readonly serving: number
  /** The share of time in which their event loops are busy, 0 to 1, on average. */
  readonly busy: number
  /** How many connections wait to be accepted. */
  readonly queued: number
  /** The resident memory of all workers, in bytes. */
  readonly memory: number
}

export interface ScaleLimits extends WorkerRange {
  /** The setting `max_total_memory`, in bytes; 0 for no limit. */
  readonly memory: number
}

/** What is remembered from one sample to the next. */
export interface LoadHistory {
  readonly at: number
  /** Averages of `busy` over seconds, and over about a minute. */
  readonly fast: number
  readonly slow: number
  /** How many samples in a row had a queue longer than there are workers. */
  readonly queues: number
  /** Since when one worker less would be enough; undefined if it would not. */
  readonly calmSince: number | undefined
  /** How long that has to last, in milliseconds. */
  readonly patience: number
  readonly grewAt: number
  readonly shrankAt: number
  readonly flappedAt: number
}

export interface Judgement {
  readonly history: LoadHistory
  readonly wanted: number
  /** Why another number is wanted than before. */
  readonly why: string | undefined
}

/** Workers that are busier than this get help; as many as make them this busy. */
const mostBusy = 0.75
const rightBusy = 0.6
/** If they would be less busy than this without one of them, it is not needed. */
const leastBusy = 0.5

/** The windows of the averages, in milliseconds. */
const fastMs = 4_000
const slowMs = 60_000

/** How many samples a queue has to last. */
const longQueue = 3

/** Between two growths, and between two workers that leave, in milliseconds. */
const growMs = 3_000
const shrinkMs = 30_000

/** How long calm has to last, at first and at most, in milliseconds. */
const firstPatienceMs = 120_000
const mostPatienceMs = 3_600_000

/** A growth so soon after a worker was sent away shows that this was a mistake; it is forgotten after an hour. */
const flapMs = 600_000
const forgetMs = 3_600_000

export function newHistory(now: number): LoadHistory {
  return {
    at: now,
    fast: 0,
    slow: 0,
    queues: 0,
    calmSince: undefined,
    patience: firstPatienceMs,
    grewAt: -Infinity,
    shrankAt: -Infinity,
    flappedAt: -Infinity,
  }
}

/** Call about once a second; `wanted` is the number in force, which an operator may have set outside of the limits. */
export function judge(
  before: LoadHistory,
  sample: LoadSample,
  wanted: number,
  limits: ScaleLimits,
): Judgement {
  const { now } = sample
  const history = remember(before, sample, wanted, limits)
  const stay = { history, wanted, why: undefined }
  // What was decided last has no effect yet.
  if (sample.serving < wanted || sample.serving === 0) return stay
  const most = mostFor(sample, limits)
  if (wanted > most && limits.memory > 0 && sample.memory > limits.memory) {
    if (wanted <= limits.min || now - history.shrankAt < shrinkMs) return stay
    const why = `all workers together have ${mib(sample.memory)}, more than max_total_memory`
    return { history: { ...history, shrankAt: now }, wanted: wanted - 1, why }
  }
  const needed = neededBy(history, sample, wanted)
  if (needed !== undefined && wanted < most && now - history.grewAt >= growMs) {
    const next = Math.min(needed.wanted, 2 * wanted, most)
    return { history: grown(history, now, wanted / next), wanted: next, why: needed.why }
  }
  if (history.calmSince === undefined || now - history.calmSince < history.patience) return stay
  const why = `they are busy ${percent(history.slow)} of the time, for ${Math.round(history.patience / 1_000)} s`
  // The next one may follow sooner than the first.
  const calmSince = now - history.patience + Math.min(shrinkMs, history.patience)
  const shared = { ...shareOut(history, wanted / (wanted - 1)), calmSince, shrankAt: now }
  return { history: shared, wanted: wanted - 1, why }
}

function remember(
  before: LoadHistory,
  { now, serving, busy, queued }: LoadSample,
  wanted: number,
  { min }: ScaleLimits,
): LoadHistory {
  const passed = Math.max(0, now - before.at)
  const weigh = (average: number, ms: number) => average + (busy - average) * (1 - Math.exp(-passed / ms))
  const fast = weigh(before.fast, fastMs)
  const slow = weigh(before.slow, slowMs)
  const without = serving / Math.max(1, wanted - 1)
  const isCalm = wanted > min && queued === 0 && Math.max(fast, slow) * without < leastBusy
  return {
    ...before,
    at: now,
    fast,
    slow,
    queues: queued > serving ? before.queues + 1 : 0,
    calmSince: isCalm ? (before.calmSince ?? now) : undefined,
  }
}

/** The number of workers that is needed, if it is more than there are. */
function neededBy(
  { fast, queues }: LoadHistory,
  { serving, queued }: LoadSample,
  wanted: number,
): { readonly wanted: number; readonly why: string } | undefined {
  const forBusy = Math.ceil((serving * fast) / rightBusy)
  if (fast > mostBusy && forBusy > wanted)
    return { wanted: forBusy, why: `they are busy ${percent(fast)} of the time` }
  if (queues < longQueue) return undefined
  return { wanted: Math.max(wanted + 1, forBusy), why: `${queued} connections wait to be accepted` }
}

/** As many workers as the memory allows, if each takes as much as one does now; never fewer than the least. */
function mostFor({ memory, serving }: LoadSample, limits: ScaleLimits): number {
  if (limits.memory === 0 || memory === 0) return limits.max
  return Math.min(limits.max, Math.max(limits.min, Math.floor((limits.memory * serving) / memory)))
}

/** What the averages are when another number of workers shares the same load. */
function shareOut(history: LoadHistory, share: number): LoadHistory {
  return { ...history, fast: history.fast * share, slow: history.slow * share }
}

/** More workers share the same load; one that was sent away a short while ago should have stayed. */
function grown(history: LoadHistory, now: number, share: number): LoadHistory {
  const flapped = now - history.shrankAt < flapMs
  const isForgotten = now - history.flappedAt > forgetMs
  const patience = isForgotten ? firstPatienceMs : history.patience
  return {
    ...shareOut(history, share),
    queues: 0,
    calmSince: undefined,
    patience: flapped ? Math.min(mostPatienceMs, 2 * patience) : patience,
    grewAt: now,
    flappedAt: flapped ? now : history.flappedAt,
  }
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

function mib(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MiB`
}
