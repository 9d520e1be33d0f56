/**
 * How long a scrape, a tab with the status page, and clients of the control socket hold up the loop of an arbiter with
 * thousands of workers:
 *
 *     node scripts/bench/many-workers.ts [--workers 4096] [--seconds 10]
 *
 * The administrative listener, the control socket and the scoreboard are real, and so is the client, in a thread of its
 * own; the workers are records on the scoreboard that nobody writes, and objects in place of processes. Prints the longest
 * turns of the loop in processor time of its thread, in milliseconds, for each kind of client. The kernel may count that
 * in ticks of 4 ms.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { encodeFrame } from '../../control/protocol/frame.ts'
import { protocolVersion } from '../../control/protocol/messages.ts'
import { AdminServer } from '../../daemon/admin/admin-server.ts'
import { ControlSocket } from '../../daemon/control/control-socket.ts'
import type { Controls } from '../../daemon/control/controlled.ts'
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

const folder = mkdtempSync(join(tmpdir(), 'tsicorn-bench-'))
const socket = join(folder, 'control.sock')
const clients: Readonly<Record<string, () => string>> = {
  'one that asks for /metrics again and again': () => httpClient('/metrics'),
  'one that watches the status page': () => httpClient('/-/feed'),
  'one that asks for show all again and again': () => controlClient('show all'),
  'one that asks for show workers again and again': () => controlClient('show workers'),
  'one that asks for show stats again and again': () => controlClient('show stats'),
  'one that lists servers again and again': () => controlClient('hello'),
}

const port = await freePort()
const admin = new AdminServer({
  address: { kind: 'tcp', host: '127.0.0.1', port },
  version: '0.0.0',
  tokenFile: null,
  report: message => console.error(message),
})
await admin.open()
const server = fakeServer(Number(values.workers))
admin.serve(server, () => undefined)
const control = await ControlSocket.open({ path: socket, mode: 0o600, env: {}, warn: console.error })
control?.serve(command => command({ server, version: '0.0.0' } as unknown as Controls))

for (const [name, codeOf] of Object.entries(clients)) {
  // What is loaded and compiled the first time is no turn of a server that runs.
  const client = new Worker(codeOf(), { eval: true })
  await sleep(3_000)
  const turns = await turnsDuring(Number(values.seconds) * 1_000)
  await client.terminate()
  const longest = turns.slice(0, 5).map(turn => turn.toFixed(1))
  console.log(`${name}: longest turns ${longest.join(', ')} ms of ${turns.length}`)
}
control?.close()
rmSync(folder, { recursive: true })
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
function httpClient(path: string): string {
  return `
    const http = require('node:http')
    const ask = () => http.get({ host: '127.0.0.1', port: ${port}, path: '${path}' }, res => res.resume().on('end', ask))
    ask()`
}

/** Asks again when it has as many bytes as the answer says. */
function controlClient(command: string): string {
  const request = encodeFrame({ id: 1, protocol: protocolVersion, command })
  return `
    const socket = require('node:net').connect(${JSON.stringify(socket)})
    let left = 0
    const ask = () => socket.write(Buffer.from(${JSON.stringify(request.toString('hex'))}, 'hex'))
    socket.on('data', bytes => {
      if (left === 0) left = 4 + bytes.readUInt32BE()
      left -= bytes.length
      if (left === 0) ask()
    })
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
