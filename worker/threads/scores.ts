/** The record of a worker with threads: what they count is added up, and its heartbeat is that of the slowest of them. */
import { intervalMs, processorTime, residentMemory } from '../process/heartbeat.ts'
import type { Start } from '../protocol/messages.ts'
import { createRecycling } from '../protocol/recycling.ts'
import { countedFields, fieldIndex, monotonicNow, newRecord, writeRecord } from '../protocol/scoreboard.ts'
import type { Thread } from './thread.ts'

const heartbeat = fieldIndex('heartbeat')
const utilization = fieldIndex('utilization')
const delay = fieldIndex('delay')
const accepts = fieldIndex('accepts')
const rss = fieldIndex('rss')
const cpu = fieldIndex('cpu_ms')
const current = (['connections', 'requests_in_flight'] as const).map(fieldIndex)
const counted = countedFields.map(fieldIndex).filter(at => at !== cpu)

/** How many beats between two looks at the limits of the worker: about a second. */
const beatsPerCheck = 1_000 / intervalMs

export interface ScoresOptions {
  readonly start: Start
  readonly threads: readonly Thread[]
  /** Called once, when the worker has served long enough. */
  readonly onRecycle: (why: string) => void
  /** Called once, if the record cannot be written. */
  readonly onTrouble: (message: string) => void
}

/** Writes the record of the worker a few times a second, until the process ends. */
export function startScores({ start, threads, onRecycle, onTrouble }: ScoresOptions): void {
  const { fd, slot } = start.scoreboard
  const record = newRecord()
  const whyRecycle = createRecycling(start.settings)
  let hasFailed = false
  let isRequested = false
  let beats = 0
  record[fieldIndex('age')] = start.age
  const write = () => {
    addUp(threads, record)
    try {
      writeRecord(fd, slot, record)
    } catch (error) {
      if (!hasFailed) onTrouble(`Cannot write to the scoreboard: ${(error as Error).message}`)
      hasFailed = true
    }
  }
  const beat = () => {
    write()
    beats += 1
    if (isRequested || beats % beatsPerCheck !== 0) return
    const why = whyRecycle(record, process.uptime())
    isRequested = why !== undefined
    if (why !== undefined) onRecycle(why)
  }
  beat()
  process.once('exit', write)
  setInterval(beat, intervalMs)
}

/** A thread that has ended counts with what it has answered, and in nothing that says how things are now. */
function addUp(threads: readonly Thread[], record: Float64Array): void {
  const living = threads.filter(({ hasEnded }) => !hasEnded).map(thread => thread.record)
  const begun = living.filter(one => (one[heartbeat] ?? 0) > 0)
  const valuesOf = (records: readonly Float64Array[], at: number) => records.map(one => one[at] ?? 0)
  record[heartbeat] = Math.min(monotonicNow(), ...valuesOf(begun, heartbeat))
  record[utilization] = sum(valuesOf(living, utilization)) / Math.max(1, living.length)
  record[delay] = Math.max(0, ...valuesOf(living, delay))
  record[accepts] = Math.max(0, ...valuesOf(living, accepts))
  const all = threads.map(thread => thread.record)
  for (const at of counted) record[at] = sum(valuesOf(all, at))
  for (const at of current) record[at] = sum(valuesOf(living, at))
  record[rss] = residentMemory() ?? (record[rss] as number)
  record[cpu] = processorTime() ?? (record[cpu] as number)
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
