/** What a worker looks after once a second, with its record of the scoreboard. */
import type { Connections } from '../connection/connections.ts'
import { Descriptors } from '../connection/descriptors.ts'
import { SlowReaders } from '../connection/slow-readers.ts'
import { tellArbiter } from '../process/arbiter-channel.ts'
import type { WorkerLog } from '../process/log.ts'
import { createWear } from '../process/recycling.ts'
import type { WorkerSettings } from '../protocol/messages.ts'

export function everySecond(
  settings: WorkerSettings,
  connections: Connections,
  log: WorkerLog,
): (record: Float64Array) => void {
  const watchWear = askForSuccessor(settings)
  const descriptors = new Descriptors(connections, log)
  const slowReaders = new SlowReaders(settings, connections, log)
  return record => {
    watchWear(record)
    descriptors.look()
    slowReaders.look()
  }
}

/** Once, when a limit is reached. */
function askForSuccessor(settings: WorkerSettings): (record: Float64Array) => void {
  const wear = createWear(settings)
  let isWorn = false
  return record => {
    const why = isWorn ? undefined : wear(record, process.uptime())
    if (why === undefined) return
    isWorn = true
    tellArbiter({ type: 'worn', why })
  }
}
