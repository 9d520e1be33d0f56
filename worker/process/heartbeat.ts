/** The heartbeat: writes the worker's record to the scoreboard a few times a second. */
import type { Seat } from '../protocol/messages.ts'
import type { ProcessUsage } from '../protocol/process-usage.ts'
import { fieldIndex, monotonicNow, writeRecord } from '../protocol/scoreboard.ts'

const rss = fieldIndex('rss')
const cpu = fieldIndex('cpu_ms')

// Taken before an app can replace it.
const { cpuUsage } = process

/** What other processes of a worker use. */
export interface Usage extends ProcessUsage {
  /** The share of what they can do at a time that they do, from 0 to 1. */
  readonly busy: number
}

export interface HeartbeatOptions extends Seat {
  readonly age: number
  readonly record: Float64Array
  /** What other processes of this worker use, where it has any. */
  readonly usage?: (() => Usage) | undefined
  /** Called once, when the process has got another parent. */
  readonly onOrphaned: () => void
  /** Called about once a second, with the record. */
  readonly onSecond: (record: Float64Array) => void
  /** Called once, if the record cannot be written. */
  readonly onTrouble: (message: string) => void
}

export const intervalMs = 250
const beatsPerSecond = 1_000 / intervalMs

/** Never throws: without a heartbeat the worker still serves, for as long as the arbiter lets it. */
export function startHeartbeat(options: HeartbeatOptions): void {
  const { fd, slot, age, record, shared, onOrphaned, onSecond, onTrouble, usage } = options
  const parent = process.ppid
  let due = performance.now()
  let beats = 0
  let lastUtilization = eventLoopUtilization()
  record[fieldIndex('age')] = age
  let failed = false
  let isOrphan = false
  const write = () => {
    record[fieldIndex('heartbeat')] = monotonicNow()
    try {
      if (shared === undefined) writeRecord(fd, slot, record)
      else shared.set(record)
    } catch (error) {
      if (!failed) onTrouble(`Cannot write to the scoreboard: ${(error as Error).message}`)
      failed = true
    }
  }
  const beat = () => {
    const others = usage?.()
    const utilization = eventLoopUtilization()
    if (utilization !== undefined && lastUtilization !== undefined) {
      const idle = utilization.idle - lastUtilization.idle
      const active = utilization.active - lastUtilization.active
      record[fieldIndex('utilization')] = Math.max(active / (idle + active), others?.busy ?? 0)
    }
    lastUtilization = utilization
    record[fieldIndex('delay')] = Math.max(0, performance.now() - due)
    record[rss] = sum(residentMemory(), others?.rss) ?? record[rss]!
    record[cpu] = sum(processorTime(), others?.cpuMs) ?? record[cpu]!
    write()
    due = performance.now() + intervalMs
    if (!isOrphan && process.ppid !== parent) {
      isOrphan = true
      onOrphaned()
    }
    beats += 1
    if (beats % beatsPerSecond === 0) onSecond(record)
  }
  beat()
  // So that the log knows the last state of the worker.
  process.once('exit', write)
  setInterval(beat, intervalMs).unref()
}

/** Undefined when it fails: Node 22 calls `process.hrtime`, which the app may have replaced. */
function eventLoopUtilization(): { readonly idle: number; readonly active: number } | undefined {
  try {
    return performance.eventLoopUtilization()
  } catch {
    return undefined
  }
}

function sum(own: number | undefined, others = 0): number | undefined {
  return own === undefined ? undefined : own + others
}

/** In milliseconds; undefined when the kernel does not tell. */
export function processorTime(): number | undefined {
  try {
    const { user, system } = cpuUsage()
    return (user + system) / 1_000
  } catch {
    return undefined
  }
}

/** In bytes; undefined when no file descriptor is left to read it with. */
export function residentMemory(): number | undefined {
  try {
    return process.memoryUsage.rss()
  } catch {
    return undefined
  }
}
