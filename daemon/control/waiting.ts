/** Commands that wait for what happens. */
import type { JournalEvent } from '../logs/journal.ts'
import type { ControlledServer } from './controlled.ts'
import type { Reply } from './conversation.ts'

/** How a command ends. */
export type Outcome = { readonly ok: unknown } | { readonly error: string }

/**
 * Answers with the first outcome that an event means; every event until then is told as progress. A stop ends the wait.
 */
export function waitFor(
  { journal }: ControlledServer,
  reply: Reply,
  outcomeOf: (event: JournalEvent) => Outcome | undefined,
): void {
  const stop = journal.follow(event => {
    reply.progress(event)
    const stopped = event.type === 'stopping' ? { error: 'The server was told to stop' } : undefined
    const outcome = outcomeOf(event) ?? stopped
    if (outcome === undefined) return
    if ('error' in outcome) reply.error(outcome.error)
    else reply.ok(outcome.ok)
  })
  reply.onEnd(stop)
}

/** The outcome of this reload, or of a later one that took its place. */
export function reloadOutcome(number: number): (event: JournalEvent) => Outcome | undefined {
  return event => {
    if (event.type === 'reload succeeded' && event.reload >= number) {
      const { reload, generation, took } = event
      return { ok: { reload, generation, took } }
    }
    if (event.type === 'reload failed' && event.reload >= number)
      return { error: `Reload ${event.reload} failed: ${event.error}` }
    return undefined
  }
}

/** The outcome of a start that is tried again. */
export function startOutcome(event: JournalEvent): Outcome | undefined {
  if (event.type === 'serving') return { ok: { generation: event.generation } }
  return event.type === 'waiting' ? { error: `Cannot start: ${event.error}` } : undefined
}

/** The outcome of a reload that was asked for during a start. If that fails, and is tried again, the next start is it. */
export function postponedOutcome(number: number): (event: JournalEvent) => Outcome | undefined {
  let outcomeOf = reloadOutcome(number)
  return event => {
    const outcome = outcomeOf(event)
    if (event.type === 'waiting') outcomeOf = startOutcome
    return outcome
  }
}

export function upgradeOutcome(event: JournalEvent): Outcome | undefined {
  if (event.type === 'new arbiter ready') return { ok: { new_arbiter: event.pid } }
  return event.type === 'upgrade failed' ? { error: event.error } : undefined
}

/** The end of a new arbiter that was told to leave. */
export function recallOutcome(event: JournalEvent): Outcome | undefined {
  return event.type === 'upgrade failed' ? { ok: { taken_back: true } } : undefined
}

/** Serving, in whatever generation. */
export function readyOutcome(event: JournalEvent): Outcome | undefined {
  const isReady = ['serving', 'reload succeeded', 'reload failed'].includes(event.type)
  return isReady ? { ok: { ready: true } } : undefined
}
