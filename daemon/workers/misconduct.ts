/** Handles a worker that misuses its channel to the arbiter. */
import type { ErrorLog } from '../logs/error-log.ts'
import { isLeaving } from '../state/worker-state.ts'
import type { Child } from './worker-handle.ts'

/** It wrote something invalid, which is only logged: what it serves is worth more. */
export function warnAbout(child: Child, text: string, log: Pick<ErrorLog, 'warning'>): void {
  log.warning(`Worker ${child.label} ${text}`)
}

/** Its channel has closed, and only signals still reach it: one that serves gets a successor. */
export function channelLost(child: Child, log: Pick<ErrorLog, 'warning'>): void {
  if (child.ending !== undefined) return
  warnAbout(child, 'has closed its channel to the arbiter (descriptor 3): it is replaced', log)
  child.reason ??= 'it closed its channel to the arbiter'
  if (child.state === 'ready') child.needsRecycling = true
  else if (isLeaving(child.state)) child.send({ type: 'quit' })
  else child.kill()
}
