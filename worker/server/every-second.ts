/** The checks that a worker makes once a second: recycling, file descriptors, slow readers, forgotten streams. */
import type { Connections } from '../connection/connections.ts'
import { DescriptorGuard } from '../connection/descriptors.ts'
import { destroyForgotten } from '../connection/goaway.ts'
import { SlowReaders } from '../connection/slow-readers.ts'
import { tellArbiter } from '../process/arbiter-channel.ts'
import type { WorkerLog } from '../process/log.ts'
import type { WorkerSettings } from '../protocol/messages.ts'
import { createRecycling } from '../protocol/recycling.ts'

export function everySecond(
  settings: WorkerSettings,
  connections: Connections,
  log: WorkerLog,
): (record: Float64Array) => void {
  const checkRecycling = requestReplacement(settings)
  const descriptors = new DescriptorGuard(connections, log)
  const slowReaders = new SlowReaders(settings, connections, log)
  return record => {
    checkRecycling(record)
    descriptors.check()
    slowReaders.check()
    destroyForgotten(connections.entries())
  }
}

/** Asks the arbiter for a replacement, once, when a limit is reached. */
function requestReplacement(settings: WorkerSettings): (record: Float64Array) => void {
  const whyRecycle = createRecycling(settings)
  let isRequested = false
  return record => {
    const why = isRequested ? undefined : whyRecycle(record, process.uptime())
    if (why === undefined) return
    isRequested = true
    tellArbiter({ type: 'recycle', why })
  }
}
