/** Reads from the scoreboard what the workers have that accept connections. */
import { fstatSync } from 'node:fs'
import { monotonicNow, readRecords, recordBytes, writeRecord } from '../protocol/scoreboard.ts'
import type { Load } from './balance.ts'

/** A worker that was not heard of for this long, in milliseconds, is stuck or gone. */
const freshMs = 1_000

/** With more workers, to read all of them takes longer than it is worth. */
const mostWorkers = 512

/** Undefined where it cannot be read. Writes the worker's own record first, for the others to read. */
export function readLoads(fd: number, slot: number, record: Float64Array): readonly Load[] | undefined {
  try {
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
