/** Answers to `show all`, for the tests of the view. */
import type { Everything, WorkerRow } from '../../../control/protocol/messages.ts'

/** A worker that wrote its record at this moment of its life, in seconds. */
export function worker(age: number, uptime: number, more: Partial<WorkerRow> = {}): WorkerRow {
  return {
    ...{ pid: 1_000 + age, age, index: age - 1, generation: 1, state: 'ready', uptime, last_heartbeat: 0 },
    ...{ connections: 0, in_flight: 0, requests: 0, requests_by_class: {}, p50_ms: null, p99_ms: null },
    ...{ responses_by_duration: [], utilization: 0, delay_ms: 0, cpu_ms: 0, rss: 64 * 2 ** 20 },
    ...more,
  }
}

/** What an arbiter says that has run for so many seconds. */
export function answer(
  uptime: number,
  workers: readonly WorkerRow[],
  arbiter: Partial<Everything['arbiter']> = {},
): Everything {
  return {
    arbiter: {
      ...{ name: 'shop', pid: 900, version: '1.0.0', phase: 'running', generation: 1 },
      ...{ wanted: workers.length, ready: workers.length, uptime, addresses: [] },
      ...{ old_arbiter: null, new_arbiter: null },
      ...arbiter,
    },
    workers,
    listeners: [{ address: 'http://127.0.0.1:8000', fd: 3, type: 'tcp', backlog: 2 }],
    stats: {
      ...{ uptime, pid: 900, workers_current: workers.length, workers_target: workers.length },
      ...{ workers_spawned: workers.length, workers_ended: {}, reloads: 0, reloads_failed: 0 },
      last_failure: null,
    },
  }
}
