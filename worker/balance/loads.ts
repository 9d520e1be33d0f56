/** Reads from the scoreboard what the workers have that accept connections: those whose records are in the same file. */
import { fstatSync } from 'node:fs'
import type { Seat } from '../protocol/messages.ts'
import { fieldIndex, monotonicNow, readRecords, recordBytes, writeRecord } from '../protocol/scoreboard.ts'
import type { Load } from './balance.ts'

/** A worker that was not heard of for this long, in milliseconds, is stuck or gone. */
const freshMs = 1_000

const accepts = fieldIndex('accepts')
const heartbeat = fieldIndex('heartbeat')
const connections = fieldIndex('connections')
const requests = fieldIndex('requests_in_flight')

/**
 * Undefined where it cannot be read. Writes the worker's own record first, for the others to read. In a thread, it is of
 * the threads of this worker, and for each other worker of as many, which have equal parts of what it has.
 */
export function readLoads(
  { fd, slot, shared, threads }: Seat,
  record: Float64Array,
): readonly Load[] | undefined {
  try {
    if (shared === undefined) writeRecord(fd, slot, record)
    else shared.set(record)
    const slots = Math.floor(fstatSync(fd).size / recordBytes)
    const oldest = monotonicNow() - freshMs
    const own = (threads ?? [record])
      .filter(one => one === record || one === shared || (one[accepts] === 1 && one[heartbeat]! >= oldest))
      .map(one => ({ connections: one[connections]!, requests: one[requests]! }))
    const count = threads?.length ?? 1
    return readRecords(fd, slots).flatMap((other, at) => {
      if (at === slot) return own
      if (other.accepts !== 1 || other.heartbeat < oldest) return []
      const part = { connections: other.connections / count, requests: other.requests_in_flight / count }
      return Array<Load>(count).fill(part)
    })
  } catch {
    return undefined
  }
}
