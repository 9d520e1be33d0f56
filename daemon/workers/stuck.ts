/** The end of a worker whose event loop stands still: it says where, before it is killed. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { OpenRequest, WorkerView } from '../../hooks/table.ts'
import { monotonicNow } from '../../worker/protocol/scoreboard.ts'
import type { ErrorLog } from '../logs/error-log.ts'
import { captureStack, describeStack } from './inspector.ts'
import type { Child } from './worker-handle.ts'

export interface StuckParts {
  readonly log: ErrorLog
  /** It can be asked for its stack. */
  readonly hasStack: boolean
  readonly readHeartbeats: () => void
  /** Calls the hook `worker_abort`. */
  readonly abort: (
    worker: WorkerView & { readonly stack?: readonly string[]; readonly requests?: readonly OpenRequest[] },
  ) => void
}

/** For how long a worker that took longer than this to tell its stack may show that it lives, in milliseconds. */
const breathMs = 200

/** Kills it, unless it has come back to life while it was looked into: what it serves is worth more than the rule. */
export async function killStuck(
  child: Child,
  { log, hasStack, readHeartbeats, abort }: StuckParts,
): Promise<void> {
  const since = monotonicNow()
  const found = hasStack ? await captureStack(child.watchdog) : {}
  // What held it up may just have let it go: its heartbeat is the first that follows.
  if (monotonicNow() - since > breathMs) await sleep(breathMs)
  if (child.ending !== undefined) return
  const { reason } = child
  readHeartbeats()
  if (child.revive(since))
    return log.warning(`Not killing ${child.name} (${reason}): it has come back${describeStack(found)}`)
  log.critical(`WORKER TIMEOUT: killing ${child.name}: ${reason}${describeStack(found)}`)
  abort({ ...child.view(log), ...found.report })
  child.kill()
}
