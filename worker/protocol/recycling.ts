/** Decides when a worker has served long enough and is to be replaced. */
import type { WorkerSettings } from './messages.ts'
import { fieldIndex } from './scoreboard.ts'

type Limits = Pick<
  WorkerSettings,
  | 'max_requests'
  | 'max_requests_jitter'
  | 'max_worker_rss'
  | 'max_worker_lifetime'
  | 'max_worker_lifetime_jitter'
>

/** How many samples in a row must exceed the memory limit: fewer may be a peak before garbage collection. */
const samplesInARow = 3

const responses = fieldIndex('responses_0')
const rss = fieldIndex('rss')

/**
 * Returns a function that looks at the scoreboard record of a worker and says which limit it has reached, if any.
 *
 * `random`, from 0 to 1, is drawn once for each jitter, so that workers of the same age are not replaced at the same
 * time.
 */
export function createRecycling(limits: Limits, random: () => number = Math.random) {
  const { max_requests, max_requests_jitter, max_worker_rss } = limits
  const { max_worker_lifetime, max_worker_lifetime_jitter } = limits
  const maxRequests = max_requests + Math.floor(random() * (max_requests_jitter + 1))
  const maxLifetime = max_worker_lifetime + random() * max_worker_lifetime_jitter
  let samples = 0
  return (record: Float64Array, seconds: number): string | undefined => {
    if (max_requests > 0 && requestsOf(record) >= maxRequests)
      return `max_requests: ${requestsOf(record)} requests`
    if (max_worker_lifetime > 0 && seconds >= maxLifetime)
      return `max_worker_lifetime: ${Math.round(seconds)} s`
    samples = max_worker_rss > 0 && (record[rss] ?? 0) > max_worker_rss ? samples + 1 : 0
    return samples >= samplesInARow ? `max_worker_rss: ${record[rss]} bytes` : undefined
  }
}

function requestsOf(record: Float64Array): number {
  return record.subarray(responses, responses + 6).reduce((sum, count) => sum + count, 0)
}
