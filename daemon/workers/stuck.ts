/** Ends a worker whose event loop is stuck, after its stack has been captured for the log. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { OpenRequest, WorkerView } from '../../hooks/table.ts'
import { monotonicNow } from '../../worker/protocol/scoreboard.ts'
import type { ErrorLog } from '../logs/error-log.ts'
import { captureStack, describeStack } from './inspector.ts'
import type { Child } from './worker-handle.ts'

export interface StuckParts {
  readonly log: ErrorLog
  /** It was asked to fail by itself, if it has to finish something. */
  readonly mayFail: boolean
  /** The worker has a watchdog that can be asked for the stack. */
  readonly hasStack: boolean
  readonly readHeartbeats: () => void
  /** Calls the hook `worker_abort`. */
  readonly abort: (
    worker: WorkerView & { readonly stack?: readonly string[]; readonly requests?: readonly OpenRequest[] },
  ) => void
}

/** If the stack took longer than this, in milliseconds, the worker gets this long to show a heartbeat. */
const breathMs = 200

/** How long a worker may take to answer that it fails by itself, and how often to look, in milliseconds. */
const answerMs = 1_000
const pollMs = 50

/** Kills the worker unless it has recovered meanwhile: what it serves is worth more than the rule. */
export async function killStuck(
  child: Child,
  { log, mayFail, hasStack, readHeartbeats, abort }: StuckParts,
): Promise<void> {
  const since = monotonicNow()
  const found = hasStack ? await captureStack(child.watchdog) : {}
  // The blocking call may have just returned: the next heartbeat shows it.
  if (monotonicNow() - since > breathMs) await sleep(breathMs)
  for (let tries = answerMs / pollMs; mayFail && child.failure === undefined && tries > 0; tries -= 1)
    await sleep(pollMs)
  if (child.ending !== undefined) return
  const { reason } = child
  readHeartbeats()
  if (child.revive(since))
    return log.warning(
      `Not killing worker ${child.label} (${reason}): it ${child.failure ? 'finishes what it has accepted' : 'has come back'}${describeStack(found)}`,
    )
  log.critical(`WORKER TIMEOUT: killing worker ${child.label}: ${reason}${describeStack(found)}`)
  abort({ ...child.view(log), ...found.report })
  child.kill()
}
