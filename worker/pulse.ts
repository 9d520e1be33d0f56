/** The heartbeat: writes the worker's record to the scoreboard a few times a second. */
import { fieldIndex, monotonicNow, writeRecord } from './scoreboard-layout.ts'

export interface PulseOptions {
  readonly fd: number
  readonly slot: number
  readonly age: number
  readonly record: Float64Array
  /** Called when the process has another parent than at first. */
  readonly onOrphaned: () => void
}

const intervalMs = 250

export function startPulse({ fd, slot, age, record, onOrphaned }: PulseOptions): void {
  const parent = process.ppid
  let due = performance.now()
  let lastUtilization = performance.eventLoopUtilization()
  record[fieldIndex('age')] = age
  const beat = () => {
    const utilization = performance.eventLoopUtilization()
    record[fieldIndex('utilization')] = performance.eventLoopUtilization(
      utilization,
      lastUtilization,
    ).utilization
    lastUtilization = utilization
    record[fieldIndex('delay')] = Math.max(0, performance.now() - due)
    record[fieldIndex('rss')] = process.memoryUsage.rss()
    record[fieldIndex('pulse')] = monotonicNow()
    writeRecord(fd, slot, record)
    due = performance.now() + intervalMs
    if (process.ppid !== parent) onOrphaned()
  }
  beat()
  setInterval(beat, intervalMs).unref()
}
