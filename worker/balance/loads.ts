/** Reads from the scoreboard what the workers have that accept connections. */
import { fstatSync } from 'node:fs'
import type { Seat } from '../protocol/messages.ts'
import { fieldIndex, monotonicNow, readRecords, recordBytes, writeRecord } from '../protocol/scoreboard.ts'
import type { Load } from './balance.ts'

/** A worker that was not heard of for this long, in milliseconds, is stuck or gone. */
const freshMs = 1_000

/** With more workers, to read all of them takes longer than it is worth. */
const mostWorkers = 512

/** Undefined where it cannot be read. Writes the worker's own record first, for the others to read. */
export function readLoads(
  { fd, slot, shared, threads }: Seat,
  record: Float64Array,
): readonly Load[] | undefined {
  try {
    if (shared !== undefined && threads !== undefined) {
      shared.set(record)
      return loadsOfThreads({ fd, slot, shared, threads })
    }
    writeRecord(fd, slot, record)
    const slots = Math.floor(fstatSync(fd).size / recordBytes)
    if (slots > mostWorkers) return undefined
    const oldest = monotonicNow() - freshMs
    return readRecords(fd, slots)
      .filter(({ accepts, heartbeat }, at) => at === slot || (accepts === 1 && heartbeat >= oldest))
      .map(({ connections, requests_in_flight: requests }) => ({ connections, requests }))
  } catch {
    return undefined
  }
}

const field = {
  accepts: fieldIndex('accepts'),
  heartbeat: fieldIndex('heartbeat'),
  connections: fieldIndex('connections'),
  requests: fieldIndex('requests_in_flight'),
} as const

/** Those of the threads of this worker, and for each other worker as many, which have equal parts of what it has. */
function loadsOfThreads({ fd, slot, shared, threads }: Required<Seat>): readonly Load[] | undefined {
  const slots = Math.floor(fstatSync(fd).size / recordBytes)
  if (slots > mostWorkers) return undefined
  const oldest = monotonicNow() - freshMs
  const own = threads
    .filter(one => one === shared || (one[field.accepts] === 1 && one[field.heartbeat]! >= oldest))
    .map(one => ({ connections: one[field.connections]!, requests: one[field.requests]! }))
  const count = threads.length
  const others = readRecords(fd, slots)
    .filter(({ accepts, heartbeat }, at) => at !== slot && accepts === 1 && heartbeat >= oldest)
    .flatMap(({ connections, requests_in_flight: requests }) =>
      threads.map(() => ({ connections: connections / count, requests: requests / count })),
    )
  return [...own, ...others]
}
