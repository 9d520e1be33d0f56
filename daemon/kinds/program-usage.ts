/** Measures once a second what a program and its children use, for the scoreboard, and asks for a successor in time. */
import { usageOf } from '../../worker/protocol/process-usage.ts'
import { createRecycling } from '../../worker/protocol/recycling.ts'
import { fieldIndex, monotonicNow, newRecord, writeRecord } from '../../worker/protocol/scoreboard.ts'
import { treeOf } from '../system/process-tree.ts'

export interface UsageOptions {
  /** Its place on the scoreboard. */
  readonly fd: number
  readonly slot: number
  readonly age: number
  readonly pid: number
  readonly limits: {
    readonly max_worker_rss: number
    readonly max_worker_lifetime: number
    readonly max_worker_lifetime_jitter: number
  }
  /** Called once, when the program has reached a limit. */
  readonly recycle: (why: string) => void
}

const intervalMs = 1_000

/** Returns a function that ends it. */
export function followUsage({ fd, slot, age, pid, limits, recycle }: UsageOptions): () => void {
  const whyRecycle = createRecycling({ ...limits, max_requests: 0, max_requests_jitter: 0 })
  const record = newRecord()
  const born = monotonicNow()
  let before = born
  let isOver = false
  record[fieldIndex('age')] = age
  const measure = () => {
    const { rss, cpuMs } = usageOf(treeOf(pid), true)
    const now = monotonicNow()
    const used = cpuMs - record[fieldIndex('cpu_ms')]!
    record[fieldIndex('utilization')] = Math.min(1, Math.max(0, used / Math.max(1, now - before)))
    record[fieldIndex('cpu_ms')] = Math.max(cpuMs, record[fieldIndex('cpu_ms')]!)
    record[fieldIndex('rss')] = rss
    // The arbiter writes it in the name of the program, which shows none.
    record[fieldIndex('heartbeat')] = now
    before = now
    try {
      writeRecord(fd, slot, record)
    } catch {
      // A full disk: the arbiter has said so when it made the scoreboard, and the next attempt may succeed.
    }
    const why = isOver ? undefined : whyRecycle(record, (now - born) / 1_000)
    if (why === undefined) return
    isOver = true
    recycle(why)
  }
  const timer = setInterval(measure, intervalMs)
  measure()
  return () => clearInterval(timer)
}
