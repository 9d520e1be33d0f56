/** What the events mean together: the outcome of reloads, and workers that keep ending. Depends on its arguments only. */
import { type Event, tellEvent } from '../control/print/events.ts'
import type { Everything } from '../control/protocol/messages.ts'

/** What there is to say about the server, and how it is meant. */
export interface Verdict {
  readonly kind: 'quiet' | 'good' | 'busy' | 'bad'
  readonly text: string
  /** When it happened, in milliseconds since 1970. */
  readonly at?: number
  /** How much of a reload is done, 0 to 1. */
  readonly progress?: number
}

/** A reload that the charts show. */
export interface Roll {
  /** Seconds since 1970. */
  readonly from: number
  /** Undefined while it is under way. */
  readonly to: number | undefined
  readonly hasFailed: boolean
}

/** So many workers that end by themselves within so many milliseconds are a crash loop. */
const manyExits = 3
const exitsMs = 60_000

export function verdictOf(answer: Everything, events: readonly Event[], now: number): Verdict {
  const { arbiter, stats } = answer
  const exits = events.filter(event => isCrash(event) && (event.at ?? 0) > now - exitsMs)
  if (arbiter.phase === 'stopping') return { kind: 'busy', text: 'The server was told to stop' }
  if (exits.length >= manyExits && arbiter.ready < arbiter.wanted)
    return {
      kind: 'bad',
      text: `Workers keep ending: ${exits.length} in the last minute. ${lastText(exits)}`,
    }
  if (arbiter.phase === 'reloading') return rolling(answer)
  if (arbiter.phase === 'booting') return { kind: 'busy', text: 'The first workers are being started' }
  const last = events.findLast(({ type }) => outcomes.includes(type))
  if (last !== undefined)
    return {
      kind: last.type === 'reload succeeded' ? 'good' : 'bad',
      text: tellEvent(last),
      at: last.at ?? now,
    }
  if (stats.last_failure !== null) return { kind: 'bad', text: stats.last_failure }
  const { reloads, reloads_failed: failed } = stats
  if (reloads + failed === 0) return { kind: 'quiet', text: 'No reload since this arbiter was started' }
  return { kind: 'quiet', text: `${reloads} reloads, ${failed} failed` }
}

const outcomes = ['reload succeeded', 'reload failed', 'upgrade failed', 'waiting']

function rolling({ arbiter, workers }: Everything): Verdict {
  const { generation, wanted } = arbiter
  if (workers.every(worker => worker.generation === generation))
    return { kind: 'busy', text: 'Reloading: the next generation is being prepared', progress: 0 }
  const ready = workers.filter(worker => worker.generation === generation && worker.state === 'ready').length
  const text = `Reloading: ${Math.min(ready, wanted)} of ${wanted} workers are of generation ${generation}`
  return { kind: 'busy', text, progress: Math.min(1, ready / wanted) }
}

function isCrash({ type, kind }: Event): boolean {
  return type === 'worker exited' && kind !== 'expected'
}

function lastText(events: readonly Event[]): string {
  const last = events.at(-1)
  return last === undefined ? '' : tellEvent(last)
}

/** The reloads that these events tell of, oldest first. */
export function rollsOf(events: readonly Event[]): readonly Roll[] {
  const rolls: Roll[] = []
  for (const { type, at = 0 } of events) {
    const last = rolls.at(-1)
    const isOpen = last !== undefined && last.to === undefined
    if (type === 'reload started') rolls.push({ from: at / 1_000, to: undefined, hasFailed: false })
    if ((type === 'reload succeeded' || type === 'reload failed') && isOpen)
      rolls.splice(-1, 1, { ...last, to: at / 1_000, hasFailed: type === 'reload failed' })
  }
  return rolls
}

/** How an event is meant. */
export function toneOf(event: Event): 'good' | 'bad' | 'plain' {
  if (['reload failed', 'upgrade failed', 'waiting'].includes(event.type) || isCrash(event)) return 'bad'
  return ['reload succeeded', 'serving', 'promoted'].includes(event.type) ? 'good' : 'plain'
}
