/** When a worker has served long enough: it then asks for a successor. */
import type { WorkerSettings } from '../protocol/messages.ts'
import { fieldIndex } from '../protocol/scoreboard.ts'

type Limits = Pick<
  WorkerSettings,
  | 'max_requests'
  | 'max_requests_jitter'
  | 'max_worker_rss'
  | 'max_worker_lifetime'
  | 'max_worker_lifetime_jitter'
>

/** Samples in a row over the limit after which memory is not just a peak before the garbage is collected. */
const samplesInARow = 3

const responses = fieldIndex('responses_0')
const rss = fieldIndex('rss')

/**
 * Judges the record of a worker, as often as it is called with one; says in one phrase what limit is reached, if any.
 *
 * `random`, between 0 and 1, is drawn once for each jitter, so that workers of the same age are not worn together.
 */
export function createRecycling(limits: Limits, random: () => number = Math.random) {
  const { max_requests, max_requests_jitter, max_worker_rss } = limits
  const { max_worker_lifetime, max_worker_lifetime_jitter } = limits
  const mostRequests = max_requests + Math.floor(random() * (max_requests_jitter + 1))
  const longestLife = max_worker_lifetime + random() * max_worker_lifetime_jitter
  let samples = 0
  return (record: Float64Array, seconds: number): string | undefined => {
    if (max_requests > 0 && requestsOf(record) >= mostRequests)
      return `max_requests: ${requestsOf(record)} requests`
    if (max_worker_lifetime > 0 && seconds >= longestLife)
      return `max_worker_lifetime: ${Math.round(seconds)} s`
    samples = max_worker_rss > 0 && (record[rss] ?? 0) > max_worker_rss ? samples + 1 : 0
    return samples >= samplesInARow ? `max_worker_rss: ${record[rss]} bytes` : undefined
  }
}

function requestsOf(record: Float64Array): number {
  return record.subarray(responses, responses + 6).reduce((sum, count) => sum + count, 0)
}
