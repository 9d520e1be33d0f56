/** The heartbeat: writes the worker's record to the scoreboard a few times a second. */
import { fieldIndex, monotonicNow, writeRecord } from './scoreboard-layout.ts'

export interface PulseOptions {
  readonly fd: number
  readonly slot: number
  readonly age: number
  readonly record: Float64Array
  /** Called when the process has another parent than at first. */
  readonly onOrphaned: () => void
  /** Called with the record about once a second. */
  readonly onSecond: (record: Float64Array) => void
}

const intervalMs = 250
const beatsPerSecond = 1_000 / intervalMs

export function startPulse({ fd, slot, age, record, onOrphaned, onSecond }: PulseOptions): void {
  const parent = process.ppid
  let due = performance.now()
  let beats = 0
  let lastUtilization = performance.eventLoopUtilization()
  record[fieldIndex('age')] = age
  const write = () => {
    record[fieldIndex('pulse')] = monotonicNow()
    writeRecord(fd, slot, record)
  }
  const beat = () => {
    const utilization = performance.eventLoopUtilization()
    record[fieldIndex('utilization')] = performance.eventLoopUtilization(
      utilization,
      lastUtilization,
    ).utilization
    lastUtilization = utilization
    record[fieldIndex('delay')] = Math.max(0, performance.now() - due)
    record[fieldIndex('rss')] = process.memoryUsage.rss()
    write()
    due = performance.now() + intervalMs
    if (process.ppid !== parent) onOrphaned()
    beats += 1
    if (beats % beatsPerSecond === 0) onSecond(record)
  }
  beat()
  // What the log says about its end is no older than that.
  process.once('exit', write)
  setInterval(beat, intervalMs).unref()
}
