/**
 * The metrics of a server. Names follow the conventions of Prometheus, and those of OpenTelemetry for HTTP servers
 * where they have the thing.
 */
import type { ListenerRow, WorkerRow } from '../../control/protocol/messages.ts'
import type { ControlledServer } from '../control/controlled.ts'
import { durationBuckets, helloOf, responsesByClass, workerRows } from '../control/snapshot.ts'
import { phaseMeanings } from '../state/phase.ts'
import { workerStates } from '../state/worker-state.ts'
import type { Steps } from '../system/steps.ts'
import type { Counts } from '../workers/totals.ts'
import type { Counters } from './counters.ts'
import type { Family, Histogram, Sample } from './exposition.ts'

export interface Observation {
  readonly server: ControlledServer
  readonly version: string
  readonly counters: Counters
  readonly listeners: readonly ListenerRow[]
  /** Seconds that the last reload took; undefined before the first. */
  readonly lastReload: number | undefined
}

export function* metricsOf(observation: Observation): Steps<readonly Family[]> {
  const workers: WorkerRow[] = []
  for (const row of workerRows(observation.server)) {
    workers.push(row)
    yield
  }
  return [
    ...serverMetrics(observation),
    ...requestMetrics(observation.counters, workers),
    ...(yield* workerMetrics(workers)),
    ...processMetrics(),
  ]
}

function serverMetrics({ server, version, counters, listeners, lastReload }: Observation): Family[] {
  const { phase, generation, wanted, uptime } = helloOf(server, version)
  const { started, ended, reloads } = counters
  return [
    family('info', 'tsicorn_build', 'The versions of tsicorn and of Node.js', [
      { labels: { version, node: process.versions.node }, value: 1 },
    ]),
    gauge(
      'tsicorn_start_time_seconds',
      'When the arbiter was started, since 1970',
      Date.now() / 1_000 - uptime,
    ),
    family(
      'gauge',
      'tsicorn_phase',
      'The phase of the arbiter, which is 1, and the others',
      Object.keys(phaseMeanings).map(name => ({ labels: { phase: name }, value: Number(name === phase) })),
    ),
    gauge('tsicorn_generation', 'The generation in force', generation),
    gauge('tsicorn_workers_wanted', 'How many workers there should be', wanted),
    family(
      'gauge',
      'tsicorn_workers',
      'Workers by state',
      workerStates
        .filter(state => state !== 'exited')
        .map(state => ({
          labels: { state },
          value: server.fleet.workers.filter(worker => worker.state === state).length,
        })),
    ),
    counter('tsicorn_workers_started', 'Workers started', started),
    family('counter', 'tsicorn_workers_ended', 'Workers that have ended, by kind', byLabel('kind', ended)),
    family('counter', 'tsicorn_reloads', 'Reloads by outcome', byLabel('outcome', reloads)),
    ...(lastReload === undefined
      ? []
      : [gauge('tsicorn_last_reload_duration_seconds', 'How long the last reload took', lastReload)]),
    family(
      'gauge',
      'tsicorn_listener_queue',
      'Connections that wait to be accepted',
      listeners.flatMap(({ address, backlog }) =>
        backlog === null ? [] : [{ labels: { address }, value: backlog }],
      ),
    ),
  ]
}

function requestMetrics({ requests }: Counters, workers: readonly WorkerRow[]): Family[] {
  const sum = (field: 'connections' | 'in_flight') => workers.reduce((all, worker) => all + worker[field], 0)
  return [
    {
      type: 'histogram',
      name: 'http_server_request_duration_seconds',
      help: 'How long responses took, from the request to their end',
      histogram: durations(requests),
    },
    gauge('http_server_active_requests', 'Requests under way', sum('in_flight')),
    family(
      'counter',
      'tsicorn_responses',
      'Responses by class of their status; aborted are those whose client left first',
      byLabel('class', responsesByClass(requests)),
    ),
    counter('tsicorn_request_timeouts', 'Requests that exceeded request_timeout', requests.timeouts),
    counter(
      'tsicorn_refused_requests',
      'Requests that tsicorn refused itself: malformed ones, and those beyond a limit',
      requests.refused,
    ),
    gauge('tsicorn_connections', 'Open connections', sum('connections')),
    counter(
      'tsicorn_received_bytes',
      'Bytes received on connections that have closed',
      requests.bytes_received,
    ),
    counter('tsicorn_sent_bytes', 'Bytes sent on connections that have closed', requests.bytes_sent),
    counter('tsicorn_workers_cpu_seconds', 'Processor time of all workers', requests.cpu_ms / 1_000),
  ]
}

function durations(requests: Counts): Histogram {
  let count = 0
  const buckets = durationBuckets.map(([milliseconds, field]) => {
    count += requests[field]
    return [milliseconds / 1_000, count] as const
  })
  // The last one has no bound.
  return { buckets: buckets.slice(0, -1), count, sum: requests.took_ms / 1_000 }
}

/** What each worker has: name, help, value. */
const workerGauges: readonly (readonly [name: string, help: string, value: (worker: WorkerRow) => number])[] =
  [
    ['event_loop_utilization_ratio', 'How busy the event loop is', ({ utilization }) => utilization],
    ['event_loop_delay_seconds', 'How late the event loop is', worker => worker.delay_ms / 1_000],
    ['resident_memory_bytes', 'Resident memory', ({ rss }) => rss],
    ['connections', 'Open connections', ({ connections }) => connections],
    ['generation', 'Its generation', ({ generation }) => generation],
    ['heartbeat_age_seconds', 'How long ago it wrote its heartbeat', worker => worker.last_heartbeat],
  ]

/** Of two workers with the same index, the younger one. */
function* workerMetrics(workers: readonly WorkerRow[]): Steps<readonly Family[]> {
  const byIndex = new Map(workers.map(worker => [`${worker.index}`, worker]))
  const families: Family[] = []
  for (const [name, help, value] of workerGauges) {
    const samples: Sample[] = []
    for (const [index, worker] of byIndex) {
      samples.push({ labels: { worker: index }, value: value(worker) })
      yield
    }
    families.push(family('gauge', `tsicorn_worker_${name}`, help, samples))
  }
  return families
}

/** Of the arbiter, under the names that all client libraries of Prometheus use. */
function processMetrics(): Family[] {
  const { user, system } = process.cpuUsage()
  return [
    counter('process_cpu_seconds', 'Processor time of the arbiter', (user + system) / 1_000_000),
    gauge('process_resident_memory_bytes', 'Resident memory of the arbiter', process.memoryUsage.rss()),
  ]
}

function family(
  type: 'counter' | 'gauge' | 'info',
  name: string,
  help: string,
  samples: readonly Sample[],
): Family {
  return { type, name, help, samples }
}

function gauge(name: string, help: string, value: number): Family {
  return family('gauge', name, help, [{ value }])
}

function counter(name: string, help: string, value: number): Family {
  return family('counter', name, help, [{ value }])
}

function byLabel(label: string, values: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(values).map(([name, value]) => ({ labels: { [label]: name }, value }))
}
