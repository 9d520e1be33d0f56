/** What a server does now, from its last answers to `show all`: rates are differences between two of them. */
import { type Durations, quantile } from '../protocol/durations.ts'
import type { Everything, WorkerRow } from '../protocol/messages.ts'

/** A worker, and what it does now; null where that is not known yet. */
export interface Load {
  readonly worker: WorkerRow
  /** Requests per second. */
  readonly rate: number | null
  /** Processors in use: 1 is one of them as a whole. */
  readonly cpu: number | null
  /** Upper bounds of the times of the last seconds, in milliseconds. */
  readonly p50: number | null
  readonly p99: number | null
  /** How late its event loop is, in milliseconds. */
  readonly delay: number
}

/** The same for all workers. */
export interface Totals {
  readonly rate: number | null
  readonly cpu: number | null
  readonly p50: number | null
  readonly p99: number | null
  readonly inFlight: number
  readonly connections: number
  readonly memory: number
  /** Connections that wait to be accepted. */
  readonly waiting: number
}

/** How long the times of responses are looked back on, in seconds. */
const windowSeconds = 10

/** The answers to go on with after this one, oldest first; those of another arbiter say nothing about it. */
export function withAnswer(answers: readonly Everything[], answer: Everything): readonly Everything[] {
  const { pid, uptime } = answer.arbiter
  const same = answers.filter(({ arbiter }) => arbiter.pid === pid && arbiter.uptime <= uptime)
  const recent = same.filter(({ arbiter }) => uptime - arbiter.uptime <= windowSeconds)
  return [...(recent.length > 0 ? recent : same.slice(-1)), answer]
}

/** The workers of the last answer. */
export function loadsOf(answers: readonly Everything[]): readonly Load[] {
  const previous = answers.at(-2)
  return (answers.at(-1)?.workers ?? []).map(worker => {
    const before = previous === undefined ? undefined : sameWorker(previous, worker)
    const durations = recentDurations(answers, worker)
    return {
      worker,
      rate: perSecond(before, worker, ({ requests }) => requests),
      cpu: perSecond(before, worker, ({ cpu_ms }) => cpu_ms / 1_000),
      p50: quantile(durations, 0.5),
      p99: quantile(durations, 0.99),
      delay: delayOf(worker),
    }
  })
}

export function totalsOf(answers: readonly Everything[]): Totals {
  const loads = loadsOf(answers)
  const sum = (value: (load: Load) => number) => loads.reduce((total, load) => total + value(load), 0)
  const known = (value: (load: Load) => number | null) =>
    loads.every(load => value(load) === null) ? null : sum(load => value(load) ?? 0)
  const durations = loads.map(({ worker }) => recentDurations(answers, worker)).reduce(added, [])
  return {
    rate: known(({ rate }) => rate),
    cpu: known(({ cpu }) => cpu),
    p50: quantile(durations, 0.5),
    p99: quantile(durations, 0.99),
    inFlight: sum(({ worker }) => worker.in_flight),
    connections: sum(({ worker }) => worker.connections),
    memory: sum(({ worker }) => worker.rss),
    waiting: (answers.at(-1)?.listeners ?? []).reduce((total, { backlog }) => total + (backlog ?? 0), 0),
  }
}

/** What the workers may be sorted by; the largest comes first, but the age counts up. */
export const sortings = {
  age: ({ worker }: Load) => -worker.age,
  'requests/s': ({ rate }: Load) => rate,
  'in flight': ({ worker }: Load) => worker.in_flight,
  p99: ({ p99 }: Load) => p99,
  delay: ({ delay }: Load) => delay,
  CPU: ({ cpu }: Load) => cpu,
  memory: ({ worker }: Load) => worker.rss,
} as const

export type Sorting = keyof typeof sortings

export function sorted(loads: readonly Load[], by: Sorting): readonly Load[] {
  const value = (load: Load) => sortings[by](load) ?? Number.NEGATIVE_INFINITY
  return loads.toSorted((a, b) => value(b) - value(a) || a.worker.age - b.worker.age)
}

export function nextSorting(by: Sorting): Sorting {
  const all = Object.keys(sortings) as Sorting[]
  return all[(all.indexOf(by) + 1) % all.length] as Sorting
}

function sameWorker({ workers }: Everything, { age, pid }: WorkerRow): WorkerRow | undefined {
  return workers.find(worker => worker.age === age && worker.pid === pid)
}

/** Two records that are closer than this are the same one, in seconds. */
const leastSeconds = 0.1

/** Per second of the time between the records that the worker wrote: answers come between them. */
function perSecond(
  before: WorkerRow | undefined,
  now: WorkerRow,
  count: (worker: WorkerRow) => number,
): number | null {
  if (before === undefined) return null
  const seconds = writtenAt(now) - writtenAt(before)
  const rate = (count(now) - count(before)) / seconds
  return seconds >= leastSeconds && rate >= 0 ? rate : null
}

function writtenAt({ uptime, last_heartbeat }: WorkerRow): number {
  return uptime - last_heartbeat
}

/** A loop that stands still writes no record that says so. */
function delayOf({ delay_ms, last_heartbeat }: WorkerRow): number {
  return last_heartbeat > 1 ? Math.max(delay_ms, last_heartbeat * 1_000) : delay_ms
}

/** The responses since the oldest answer that knows the worker; all of them for one that is new. */
function recentDurations(answers: readonly Everything[], worker: WorkerRow): Durations {
  const [oldest] = answers.slice(0, -1).flatMap(answer => sameWorker(answer, worker) ?? [])
  const before = oldest?.responses_by_duration ?? []
  return worker.responses_by_duration.map(
    ([bound, count], at) => [bound, Math.max(0, count - (before[at]?.[1] ?? 0))] as const,
  )
}

function added(one: Durations, other: Durations): Durations {
  return other.map(([bound, count], at) => [bound, count + (one[at]?.[1] ?? 0)] as const)
}
