/** How long the workers of a generation may take in each state. */
import type { Limits } from '../state/deadlines.ts'
import type { Generation } from './generation.ts'

/**
 * Workers cut open connections at `graceful_timeout`; one that has not left this much later, in milliseconds, is
 * killed.
 */
const cutGraceMs = 500

/** How long a worker that is told to leave at once may take, in milliseconds. */
const quickMs = 2_000

export function limitsOf({ resolved }: Generation): Limits {
  const { boot_timeout, timeout, graceful_timeout, worker_class } = resolved.settings
  return {
    boot: boot_timeout * 1_000,
    // A program shows none.
    heartbeat: worker_class === 'exec' ? 0 : timeout * 1_000,
    graceful: graceful_timeout * 1_000 + cutGraceMs,
    quick: quickMs,
  }
}

/**
 * How long a draining worker has for its requests, in seconds: with `reload`, an old one gets none, since a developer
 * wants to see the change and not the old page.
 */
export function patienceOf({ number, resolved }: Generation, current: Generation | undefined): number {
  const isOutOfDate = current !== undefined && number < current.number
  return resolved.settings.reload && isOutOfDate ? 0 : resolved.settings.graceful_timeout
}
