/**
 * How long a scrape, and a tab with the status page, hold up the loop of an arbiter with thousands of workers:
 *
 *     node scripts/bench/many-workers.ts [--workers 4096] [--seconds 10]
 *
 * The administrative listener and the scoreboard are real, and so is the client, in a thread of its own; the workers are
 * records on the scoreboard that nobody writes, and objects in place of processes. Prints the longest turns of the loop in
 * processor time of its thread, in milliseconds, for each kind of client. The kernel may count that in ticks of 4 ms.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { AdminServer } from '../../daemon/admin/admin-server.ts'
import { Journal } from '../../daemon/logs/journal.ts'
import type { AdministeredServer } from '../../daemon/metrics/counters.ts'
import { Scoreboard } from '../../daemon/workers/scoreboard.ts'
import { Totals } from '../../daemon/workers/totals.ts'
import {
  fieldIndex,
  monotonicNow,
  newRecord,
  recordFields,
  writeRecord,
} from '../../worker/protocol/scoreboard.ts'
import { freePort } from '../free-port.ts'

const { values } = parseArgs({
  options: {
    workers: { type: 'string', default: '4096' },
    seconds: { type: 'string', default: '10' },
  },
})

const clients: Readonly<Record<string, string>> = {
  'one that asks for /metrics again and again': '/metrics',
  'one that watches the status page': '/-/feed',
}

const port = await freePort()
const admin = new AdminServer({
  address: { kind: 'tcp', host: '127.0.0.1', port },
  version: '0.0.0',
  tokenFile: null,
  report: message => console.error(message),
})
await admin.open()
admin.serve(fakeServer(Number(values.workers)), () => undefined)

for (const [name, path] of Object.entries(clients)) {
  // What is loaded and compiled the first time is no turn of a server that runs.
  const client = new Worker(clientCode(path), { eval: true })
  await sleep(3_000)
  const turns = await turnsDuring(Number(values.seconds) * 1_000)
  await client.terminate()
  const longest = turns.slice(0, 5).map(turn => turn.toFixed(1))
  console.log(`${name}: longest turns ${longest.join(', ')} ms of ${turns.length}`)
}
process.exit()

function fakeServer(count: number): AdministeredServer {
  const board = new Scoreboard({ folder: null, warn: message => console.error(message) })
  const born = monotonicNow()
  const workers = Array.from({ length: count }, (_, index) => {
    const age = index + 1
    const { fd, slot } = board.take(age)
    const record = newRecord()
    for (const field of recordFields) record[fieldIndex(field)] = 1
    record[fieldIndex('age')] = age
    record[fieldIndex('heartbeat')] = born
    writeRecord(fd, slot, record)
    return { pid: 10_000 + index, age, index, generation: 1, state: 'ready', born, heartbeat: born }
  })
  const server = {
    ...{ phase: { name: 'running' }, scale: { wanted: count }, fleet: { workers, ready: workers } },
    ...{ generations: {}, upgrader: {}, startedAt: born, failure: undefined, journal: new Journal() },
    resolved: { parsed: { name: 'bench' }, settings: { app_metrics: false } },
    records: () => board.read(),
    totals: new Totals(),
  }
  return server as unknown as AdministeredServer
}

/** Asks again when the answer has ended; the feed never ends. */
function clientCode(path: string): string {
  return `
    const http = require('node:http')
    const ask = () => http.get({ host: '127.0.0.1', port: ${port}, path: '${path}' }, res => res.resume().on('end', ask))
    ask()`
}

/** How long each turn of the loop took, longest first. */
async function turnsDuring(milliseconds: number): Promise<readonly number[]> {
  const turns: number[] = []
  const used = () => {
    const { user, system } = process.threadCpuUsage()
    return (user + system) / 1_000
  }
  let last = used()
  let isOver = false
  const turn = () => {
    const now = used()
    turns.push(now - last)
    last = now
    if (!isOver) setImmediate(turn)
  }
  setImmediate(turn)
  await sleep(milliseconds)
  isOver = true
  return turns.sort((a, b) => b - a)
}
