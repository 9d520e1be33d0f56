/** What the end of a worker means, and what the log says about it. */
import { constants } from 'node:os'
import type { LogLevel } from '../../worker/protocol/messages.ts'
import { type ScoreRecord, servedBy } from '../../worker/protocol/scoreboard.ts'
import { youth } from '../state/back-off.ts'
import type { KillReason } from '../state/deadlines.ts'
import type { Life } from '../state/worker-state.ts'
import type { Child, Ending } from './worker-handle.ts'

/**
 * `expected`: it was asked to leave. `unbound`: somebody else listens on its address. `unborn`: it was never ready, and
 * its generation was never whole. `unproven`: it was ready, and its generation was never whole. `young`: it served
 * nothing, so it will not help to start it again at once. `sudden`: any other.
 */
export type Death = 'expected' | 'unbound' | 'unborn' | 'unproven' | 'young' | 'sudden'

export interface LastState {
  readonly life: Life
  readonly quit: boolean
  readonly failure: { readonly why: string } | undefined
  /** How long it had been in that state, in milliseconds. */
  readonly lasted: number
  /** Its generation was in force: all wanted workers of it had been ready once. */
  readonly proven: boolean
  /** How many requests it had answered. */
  readonly served: number
}

export function classify({ life, quit, failure, lasted, proven, served }: LastState): Death {
  if (life === 'draining' || quit) return 'expected'
  if (life === 'ready' && !proven) return 'unproven'
  if (life === 'ready') return lasted < youth && served === 0 ? 'young' : 'sudden'
  if (proven) return 'young'
  return failure?.why === 'bind' ? 'unbound' : 'unborn'
}

/** What is known about the circumstances of a death. */
export interface Circumstances {
  /** Milliseconds from the start of the process to its end. */
  readonly lived: number
  /** What it wrote on the scoreboard last. */
  readonly record: ScoreRecord | undefined
  /** The kernel has just killed something because memory ran out. */
  readonly outOfMemory: boolean
}

/** How a worker ended, as one line. */
export function obituary(
  child: Child,
  death: Death,
  circumstances: Circumstances,
): { readonly level: LogLevel; readonly text: string } {
  const who = child.pid === undefined ? `Worker ${child.age}` : `Worker ${child.age} (pid ${child.pid})`
  const ending = child.ending as Ending
  const text = `${who} ${how(child, ending, circumstances.outOfMemory)}`
  const isStory = death !== 'expected' && child.pid !== undefined
  if (!isStory) return { level: levelOf(child, ending, death), text }
  return { level: levelOf(child, ending, death), text: `${text} (${lifeStory(circumstances, child.killed)})` }
}

function how(child: Child, { code, signal }: Ending, outOfMemory: boolean): string {
  const why = child.reason === undefined ? '' : `: ${child.reason}`
  if (signal !== null) return `was ended by ${signal}${why || guess(signal, outOfMemory)}`
  if (code === null) return child.reason ?? 'was never started'
  return `exited with code ${code}${why}`
}

/** Nobody here sent that signal. */
function guess(signal: NodeJS.Signals, outOfMemory: boolean): string {
  if (signal !== 'SIGKILL') return ''
  return outOfMemory ? ': the kernel killed it because memory ran out' : ': sent by somebody else'
}

function lifeStory({ lived, record }: Circumstances, killed: boolean): string {
  const story = [`it lived ${(lived / 1_000).toFixed(1)} s`]
  if (record === undefined || record.pulse === 0) return story.join()
  story.push(`${servedBy(record)} requests served`)
  // One that stood still wrote its record before the request at which it did.
  if (!killed) story.push(`${record.requests_in_flight} in flight`)
  story.push(`${mebibytes(record.rss)} MiB`)
  return story.join(', ')
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20)
}

/** 128 and the number of the signal. */
const bySignal: readonly (number | null)[] = ['SIGINT', 'SIGQUIT', 'SIGTERM'].map(
  name => 128 + constants.signals[name as NodeJS.Signals],
)

function levelOf({ killed }: Child, { code, signal }: Ending, death: Death): LogLevel {
  if (code === null && signal === null) return 'error'
  if (killed) return 'warning'
  if (code === 0) return death === 'expected' ? 'info' : 'warning'
  // As a shell says it, and so do many apps, Next.js for one: it ended by the signal that it was told of.
  if (death === 'expected' && bySignal.includes(code)) return 'info'
  if (signal === 'SIGTERM') return 'info'
  return signal === null || signal === 'SIGKILL' ? 'error' : 'warning'
}

/** Why a worker was killed, as its obituary says it. */
export const killReasons: Readonly<Record<KillReason, string>> = {
  boot_timeout: 'not ready within boot_timeout',
  timeout: 'its event loop stood still for timeout',
  graceful_timeout: 'not drained within graceful_timeout',
  'quick stop': 'told to leave at once and did not',
}
