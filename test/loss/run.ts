/** One run of the harness: a server, its clients, a storm, and the stop. */
import { rmSync } from 'node:fs'
import { isAlive } from '../support/tsicorn.ts'
import { descriptorsOf, examineEnd, examineLog, examineWorkers, settled } from './census.ts'
import type { Failure } from './client/client-messages.ts'
import { createRandom } from './client/random.ts'
import { Load } from './load.ts'
import { startServer, unserved, type WorkerClass } from './server.ts'
import { type EventName, Storm } from './storm.ts'
import { excused, type Verdict } from './verdict.ts'

export interface RunOptions {
  /** How many requests have to be answered at least. */
  readonly requests: number
  readonly events: number
  readonly workers: number
  /** `async` by default. */
  readonly workerClass?: WorkerClass
  /** The Node to run the server with. */
  readonly node: string
  readonly seed: number
  /** How long a closed-loop client pauses between two requests, in milliseconds. */
  readonly pause: number
  /** Kill workers with -9 as well. */
  readonly kill: boolean
  /** Use TLS, and HTTP/2 as well. */
  readonly tls: boolean
  /** How long the run may take, in seconds. */
  readonly limit: number
  readonly tell: (message: string) => void
}

export interface Outcome {
  /** Correctly answered requests. */
  readonly answered: number
  readonly byKind: Readonly<Record<string, number>>
  readonly events: Readonly<Partial<Record<EventName, number>>>
  readonly verdicts: Readonly<Partial<Record<Verdict, number>>>
  /** Failed requests without an excuse. */
  readonly failed: number
  /** Answered after TERM. */
  readonly atStop: number
  /** The faults found after the storm and after the end. */
  readonly faults: readonly string[]
  readonly seconds: number
}

/** How often progress is reported, in milliseconds. */
const progressMs = 10_000

/** How many requests the clients get answered before the server is told to stop. */
const beforeStop = 200

export async function run(options: RunOptions): Promise<Outcome> {
  const { requests, events, workers, tell } = options
  const began = performance.now()
  const maxRequests = Math.max(100, Math.ceil((requests * 2) / Math.max(1, events) / workers))
  const server = await startServer({ ...options, maxRequests })
  const { tsicorn } = server
  const faults: string[] = []
  // The server runs in its own session: an interrupt does not reach it.
  const abandon = () => {
    if (isAlive(tsicorn.pid)) tsicorn.signal('SIGINT')
  }
  process.once('exit', abandon)
  const late = setTimeout(() => {
    faults.push(`It was not over after ${options.limit} s`)
    load.stop()
    void load.ends().then(() => tsicorn.signal('SIGINT'))
  }, options.limit * 1_000)
  const before = await descriptorsOf(tsicorn.pid)
  const load = new Load({
    ...options,
    tcp: server.tcp,
    unix: server.unix,
    ...(server.ca === undefined ? {} : { ca: server.ca }),
    without: unserved[options.workerClass ?? 'async'],
    onFailure: (verdict, failure) => tell(describe(verdict, failure)),
  })
  const storm = new Storm({
    tsicorn,
    workers,
    random: createRandom(options.seed),
    onKill: options.kill ? worker => load.killings.push({ worker, at: Date.now() }) : undefined,
  })
  const progress = setInterval(
    () => tell(`${load.total} requests, ${sum(storm.counts)} events, ${failuresOf(load)} failed`),
    progressMs,
  )
  let atStop = 0
  try {
    for (let event = 1; event <= events; event += 1) {
      await load.reaches((requests * event) / (events + 1))
      await storm.next()
    }
    await load.reaches(requests)
    await storm.end()
    load.hold(true)
    await settled(tsicorn, workers)
    faults.push(...examineWorkers(tsicorn, workers))
    const after = await descriptorsOf(tsicorn.pid)
    if (after !== before) faults.push(`The arbiter has ${after} descriptors, and had ${before} before`)
    load.hold(false)
    await load.reaches(load.total + beforeStop)
    await load.warn()
    const answered = load.total
    const { code } = await tsicorn.stop()
    if (code !== 0) faults.push(`The server ended with code ${code}`)
    await load.ends()
    atStop = load.total - answered
    faults.push(...examineEnd(tsicorn))
  } catch (error) {
    faults.push((error as Error).message)
    load.stop()
    await load.ends()
    await tsicorn.stop('SIGINT')
  } finally {
    process.off('exit', abandon)
    clearTimeout(late)
    clearInterval(progress)
  }
  faults.push(...examineLog(tsicorn.log, options.kill ? /was ended by SIGKILL/ : undefined))
  if (faults.length > 0 || failuresOf(load) > 0) {
    tsicorn.write('log', tsicorn.log)
    tell(`The log of the server is kept: ${tsicorn.folder}/log`)
  } else {
    rmSync(tsicorn.folder, { recursive: true })
  }
  return {
    answered: load.total,
    byKind: Object.fromEntries(load.answered),
    events: Object.fromEntries(storm.counts),
    verdicts: Object.fromEntries(load.verdicts),
    failed: failuresOf(load),
    atStop,
    faults,
    seconds: (performance.now() - began) / 1_000,
  }
}

function failuresOf(load: Load): number {
  const all = sum(load.verdicts)
  return all - excused.reduce((total, verdict) => total + (load.verdicts.get(verdict) ?? 0), 0)
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0)
}

function describe(verdict: Verdict, failure: Failure): string {
  const { kind, id, detail, before, idle, worker, began, ended } = failure
  const when = new Date(ended).toISOString()
  const connection = `${before} answers on this connection before, ${idle.toFixed(0)} ms after the answer before, worker ${worker ?? 'unknown'}`
  return `${when} ${verdict}: request ${id} (${kind}) ${detail} in ${ended - began} ms; ${connection}`
}
