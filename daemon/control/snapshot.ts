/** What there is to see of a server, as data for clients. */
import { quantile } from '../../control/protocol/durations.ts'
import type { Everything, Hello, ListenerRow, Stats, WorkerRow } from '../../control/protocol/messages.ts'
import { answeredBy, monotonicNow, type ScoreRecord } from '../../worker/protocol/scoreboard.ts'
import { addressesOf, addressOf } from '../generation/generation.ts'
import { backlogsOf } from '../sockets/backlog.ts'
import type { Listener } from '../sockets/sockets.ts'
import type { Steps } from '../system/steps.ts'
import { type Counts, noCounts } from '../workers/totals.ts'
import type { Child } from '../workers/worker-handle.ts'
import type { ControlledServer } from './controlled.ts'
import { SharedAnswers } from './shared-answers.ts'

export function helloOf(server: ControlledServer, version: string): Hello {
  const { phase, scale, fleet, generations, upgrader, resolved, startedAt } = server
  const generation = generations.current ?? generations.lastGood
  return {
    name: resolved.parsed.name,
    pid: process.pid,
    version,
    phase: phase.name,
    generation: generation?.number ?? 0,
    wanted: scale.wanted,
    ready: fleet.workers.filter(({ state }) => state === 'ready').length,
    uptime: secondsSince(startedAt),
    addresses: addressesOf(generation),
    old_arbiter: upgrader.oldArbiter ?? null,
    new_arbiter: upgrader.newArbiter ?? null,
  }
}

/** How many characters of a long text become bytes at a time. */
const pieceLength = 16_384

/** Everything as JSON, made in many short turns of the event loop: there may be thousands of workers. */
export async function everythingAsText(server: ControlledServer, version: string): Promise<Buffer> {
  return await answersOf(server).make('everything', async () => {
    const listeners = await listenersOf(server)
    return listAsText(server, () => {
      const rest: Omit<Everything, 'workers'> = {
        arbiter: helloOf(server, version),
        listeners,
        stats: statsOf(server),
      }
      return rest
    })
  })
}

/** The workers as JSON, and how many they are. */
export async function workersAsText(server: ControlledServer): Promise<Buffer> {
  return await answersOf(server).make('workers', async () => listAsText(server, count => ({ count })))
}

const answers = new WeakMap<ControlledServer, SharedAnswers>()

function answersOf(server: ControlledServer): SharedAnswers {
  const known = answers.get(server) ?? new SharedAnswers()
  answers.set(server, known)
  return known
}

/** An object with the workers, and what else is in it. */
function* listAsText(server: ControlledServer, rest: (count: number) => object): Steps<Buffer> {
  const pieces: Buffer[] = []
  let text = '{"workers":['
  let count = 0
  for (const row of workerRows(server)) {
    text += `${count === 0 ? '' : ','}${JSON.stringify(row)}`
    count += 1
    if (text.length > pieceLength) {
      pieces.push(Buffer.from(text))
      text = ''
    }
    yield
  }
  return Buffer.concat([...pieces, Buffer.from(`${text}],${JSON.stringify(rest(count)).slice(1)}`)])
}

/** The rows one by one, for those who do other work in between. */
export function* workerRows({ fleet, records }: ControlledServer): Generator<WorkerRow> {
  const known = records()
  for (const child of [...fleet.workers]) yield workerRow(child, known.get(child.age))
}

function workerRow(child: Child, record: ScoreRecord | undefined): WorkerRow {
  const { pid = null, age, index, generation, state, born } = child
  const counts = record ?? noCounts
  const durations = durationBuckets.map(([bound, field]) => [bound, counts[field]] as const)
  const { heartbeat = 0, connections = 0, requests_in_flight = 0 } = record ?? {}
  const { utilization = 0, delay = 0, rss = 0 } = record ?? {}
  return {
    ...{ pid, age, index, generation, state },
    uptime: secondsSince(born),
    last_heartbeat: secondsSince(Math.max(heartbeat, child.heartbeat)),
    connections,
    in_flight: requests_in_flight,
    requests: record === undefined ? 0 : answeredBy(record),
    requests_by_class: responsesByClass(counts),
    p50_ms: quantile(durations, 0.5),
    p99_ms: quantile(durations, 0.99),
    responses_by_duration: durations,
    utilization,
    delay_ms: delay,
    cpu_ms: counts.cpu_ms,
    rss,
  }
}

/** Responses by the class of their status; aborted are those whose client left first. */
export function responsesByClass(counts: Counts): Readonly<Record<string, number>> {
  return Object.fromEntries(
    ([0, 1, 2, 3, 4, 5] as const).map(one => [
      one === 0 ? 'aborted' : `${one}xx`,
      counts[`responses_${one}`],
    ]),
  )
}

/** The buckets of the scoreboard, by their upper bound in milliseconds. */
export const durationBuckets = [
  [1, 'took_1ms'],
  [5, 'took_5ms'],
  [25, 'took_25ms'],
  [100, 'took_100ms'],
  [500, 'took_500ms'],
  [2_500, 'took_2500ms'],
  [10_000, 'took_10s'],
  [Number.MAX_SAFE_INTEGER, 'took_longer'],
] as const

export function statsOf({ fleet, scale, journal, failure, startedAt }: ControlledServer): Stats {
  return {
    uptime: secondsSince(startedAt),
    pid: process.pid,
    workers_current: fleet.workers.length,
    workers_target: scale.wanted,
    workers_spawned: journal.count('worker booting'),
    workers_ended: Object.fromEntries(journal.exits),
    reloads: journal.count('reload succeeded'),
    reloads_failed: journal.count('reload failed'),
    last_failure: failure ?? null,
  }
}

export async function listenersOf({ generations }: ControlledServer): Promise<readonly ListenerRow[]> {
  const generation = generations.current ?? generations.lastGood
  if (generation === undefined) return []
  const { listeners } = generation
  const backlogs = await backlogsOf(listeners).catch(() => [])
  return listeners.map((listener, at) => ({
    address: addressOf(listener, generation),
    fd: listener.fd ?? null,
    type: typeOf(listener),
    backlog: backlogs[at] ?? null,
  }))
}

function typeOf({ path, host }: Listener): ListenerRow['type'] {
  if (path !== undefined) return 'unix'
  if (host === undefined) return 'unknown'
  return host.includes(':') ? 'tcp6' : 'tcp'
}

function secondsSince(then: number): number {
  return Math.max(0, Math.round(monotonicNow() - then) / 1_000)
}
