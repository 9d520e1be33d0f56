/**
 * The scoreboard: one small file that all processes of a server share, with a fixed record for each worker.
 *
 * A worker writes its own record with one positional write; the arbiter reads all of them with one read. A record holds
 * heartbeat and metrics, and is the last that is known of a worker that was killed.
 */
import { readSync, writeSync } from 'node:fs'

/** The fields of a record that say how things are now. */
const currentFields = [
  /** The worker that the record belongs to; a slot is used again after its worker is gone. */
  'age',
  /** When the event loop of the worker last turned, in milliseconds of the monotonic clock. */
  'heartbeat',
  'connections',
  'requests_in_flight',
  /** How busy the event loop was in the last interval, 0 to 1. */
  'utilization',
  /** How late this record was written, in milliseconds. */
  'delay',
  /** Resident memory in bytes. */
  'rss',
  /** 1 while the worker accepts connections. */
  'accepts',
] as const

/** Those that only grow. */
export const countedFields = [
  /** Finished responses by class; `responses_0` are those whose client left first. */
  'responses_0',
  'responses_1',
  'responses_2',
  'responses_3',
  'responses_4',
  'responses_5',
  /** Requests that exceeded `request_timeout`. */
  'timeouts',
  /** Requests and connections that tsicorn answered itself, because they are malformed or exceed a limit. */
  'refused',
  /** Requests for `ready_path`: they count as responses, but say nothing about the app. */
  'ready_checks',
  /** Responses by duration: up to 1, 5, 25, 100, 500 ms, 2.5 s, 10 s, and longer. */
  'took_1ms',
  'took_5ms',
  'took_25ms',
  'took_100ms',
  'took_500ms',
  'took_2500ms',
  'took_10s',
  'took_longer',
  /** How long all of them took together, in milliseconds. */
  'took_ms',
  /** Bytes of closed connections. */
  'bytes_received',
  'bytes_sent',
  /** Processor time in milliseconds. */
  'cpu_ms',
  /** Connections of plain servers that got an answer and are over. */
  'plain_connections',
] as const

/** The fields of a record, in their order; every one is a double in the byte order of the machine. */
export const recordFields = [...currentFields, ...countedFields] as const

export type RecordField = (typeof recordFields)[number]

export type ScoreRecord = Readonly<Record<RecordField, number>>

const recordLength = 32
/** The length of a record in the file. */
export const recordBytes = recordLength * Float64Array.BYTES_PER_ELEMENT

/** Writes a worker's record; `values` is in the order of `recordFields`. */
export function writeRecord(fd: number, slot: number, values: Float64Array): void {
  writeSync(fd, values, 0, values.byteLength, slot * recordBytes)
}

/** How many requests the app has answered, and connections of plain servers. */
export function servedBy(record: ScoreRecord): number {
  return answeredBy(record) + record.plain_connections
}

/** How many requests the app has answered, without those whose clients left first, and without readiness checks. */
export function answeredBy(record: ScoreRecord): number {
  const completeClasses = [1, 2, 3, 4, 5] as const
  const responses = completeClasses.reduce<number>((sum, kind) => sum + record[`responses_${kind}`], 0)
  return Math.max(0, responses - record.ready_checks)
}

/** An empty record. */
export function newRecord(): Float64Array {
  return new Float64Array(recordLength)
}

export function fieldIndex(field: RecordField): number {
  return recordFields.indexOf(field)
}

/**
 * The records of the first `slots` workers, under the age that is given for each of them, or else their own. A slot that
 * was never written reads as zeros, and so does an impossible value: every worker can write anything to any record.
 */
export function readRecords(
  fd: number,
  slots: number,
  ages: readonly (number | undefined)[] = [],
): ScoreRecord[] {
  const all = new Float64Array(slots * recordLength)
  readSync(fd, all, 0, all.byteLength, 0)
  const now = monotonicNow()
  return Array.from({ length: slots }, (_, slot) => {
    const record = new ReadRecord(
      all.subarray(slot * recordLength, (slot + 1) * recordLength),
      now,
      ages[slot],
    )
    return record as unknown as ScoreRecord
  })
}

/** Its values are checked when they are asked for: there may be thousands of records, and most are read for one value. */
class ReadRecord {
  readonly values: Float64Array
  readonly now: number
  readonly given: number | undefined

  constructor(values: Float64Array, now: number, age: number | undefined) {
    this.values = values
    this.now = now
    this.given = age
  }
}

for (const [index, field] of recordFields.entries())
  Object.defineProperty(ReadRecord.prototype, field, {
    get(this: ReadRecord): number {
      if (field === 'age' && this.given !== undefined) return this.given
      const value = this.values[index] as number
      return isPossible(field, value, this.now) ? value : 0
    },
  })

/** A heartbeat from the future would let a worker be stuck for ever. */
function isPossible(field: RecordField, value: number, now: number): boolean {
  switch (field) {
    case 'heartbeat':
      return value >= 0 && value <= now
    case 'utilization':
      return value >= 0 && value <= 1
    case 'delay':
    case 'took_ms':
    case 'cpu_ms':
      return value >= 0 && value < Infinity
    default:
      return value >= 0 && Number.isSafeInteger(value)
  }
}

/** Milliseconds of the monotonic clock, which all processes on a machine share. */
export function monotonicNow(): number {
  return Number(nanoseconds() / 1_000n) / 1_000
}

// Taken before an app can replace it.
const nanoseconds = process.hrtime.bigint
