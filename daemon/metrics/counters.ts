/** All that a server counts: it goes on when workers end, and when a new arbiter takes over. */
import { countedFields } from '../../worker/protocol/scoreboard.ts'
import type { ControlledServer } from '../control/controlled.ts'
import type { Steps } from '../system/steps.ts'
import type { Counts, Totals } from '../workers/totals.ts'

/** What the administrative listener tells about. */
export type AdministeredServer = ControlledServer & { readonly totals: Totals }

export interface Counters {
  readonly requests: Counts
  readonly started: number
  /** By kind of exit. */
  readonly ended: Readonly<Record<string, number>>
  readonly reloads: { readonly succeeded: number; readonly failed: number }
}

/** What an arbiter has counted itself, and inherited. */
export function* countersOf(
  { totals, journal, records }: AdministeredServer,
  inherited: Counters | undefined,
): Steps<Counters> {
  const requests = yield* totals.sum(records())
  const { started = 0, ended = {}, reloads = { succeeded: 0, failed: 0 } } = inherited ?? {}
  const kinds = new Set([...Object.keys(ended), ...journal.exits.keys()])
  return {
    requests,
    started: started + journal.count('worker booting'),
    ended: Object.fromEntries(
      Array.from(kinds, kind => [kind, (ended[kind] ?? 0) + (journal.exits.get(kind) ?? 0)]),
    ),
    reloads: {
      succeeded: reloads.succeeded + journal.count('reload succeeded'),
      failed: reloads.failed + journal.count('reload failed'),
    },
  }
}

/** Undefined for a message that is something else. */
export function readCounters(message: unknown): Counters | undefined {
  const { requests, started, ended, reloads } = Object(message) as Partial<Counters>
  const areNumbers = (values: object | undefined, names: readonly string[]) =>
    names.every(name => isCount((Object(values) as Record<string, unknown>)[name]))
  const isWhole =
    areNumbers(requests, countedFields) &&
    areNumbers(reloads, ['succeeded', 'failed']) &&
    isCount(started) &&
    typeof ended === 'object' &&
    areNumbers(ended, Object.keys(ended ?? {}))
  return isWhole ? (message as Counters) : undefined
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value < Number.POSITIVE_INFINITY
}
