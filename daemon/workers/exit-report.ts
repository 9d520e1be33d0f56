/** Classifies the exit of a worker, and words the log line about it. */
import { constants } from 'node:os'
import type { LogLevel } from '../../worker/protocol/messages.ts'
import { answeredBy, type ScoreRecord, servedBy } from '../../worker/protocol/scoreboard.ts'
import { earlyMs } from '../state/back-off.ts'
import type { KillReason } from '../state/deadlines.ts'
import { isLeaving, type WorkerState } from '../state/worker-state.ts'
import type { ExitStatus } from '../system/spawn.ts'
import { whyNoWorker } from '../system/worker-command.ts'
import type { Child } from './worker-handle.ts'

/**
 * `expected`: it was asked to leave, and had not failed before. `bind failed`: another process listens on its address.
 * `boot failed`: it was never ready, and not all workers of its generation ever were. `unstable`: it was ready, but not
 * all workers of its generation ever were. `early exit`: it served nothing, so it will not help to start it again at
 * once. `crash`: any other exit.
 */
export type ExitKind = 'expected' | 'bind failed' | 'boot failed' | 'unstable' | 'early exit' | 'crash'

export interface LastState {
  readonly state: WorkerState
  readonly failure: { readonly why: string } | undefined
  /** How long it had been in that state, in milliseconds. */
  readonly lasted: number
  /** Its generation was in force: all its wanted workers had been ready once. */
  readonly proven: boolean
  /** How many requests it had answered. */
  readonly served: number
}

export function classify({ state, failure, lasted, proven, served }: LastState): ExitKind {
  // One that had failed before it was told to leave was told so because it had failed.
  if (isLeaving(state) && failure === undefined) return 'expected'
  if (state === 'ready' && !proven) return 'unstable'
  if (state === 'ready') return lasted < earlyMs && served === 0 ? 'early exit' : 'crash'
  if (proven) return 'early exit'
  return failure?.why === 'bind' ? 'bind failed' : 'boot failed'
}

/** What is known about an exit beyond what the handle of the worker knows. */
export interface ExitContext {
  readonly now: number
  /** Its last record on the scoreboard. */
  readonly record: ScoreRecord | undefined
  /** The kernel has just killed a process because memory ran out. */
  readonly outOfMemory: boolean
  /** Its generation was in force: all its wanted workers had been ready once. */
  readonly proven: boolean
}

export interface ExitReport {
  readonly kind: ExitKind
  /** How many requests it had answered. */
  readonly served: number
  readonly level: LogLevel
  /** One line. */
  readonly text: string
}

export function reportExit(child: Child, context: ExitContext): ExitReport {
  const { state, failure } = child
  const { now, record, outOfMemory, proven } = context
  const served = record === undefined ? 0 : servedBy(record)
  const kind = classify({ state, failure, lasted: now - child.since, proven, served })
  const status = child.ending as ExitStatus
  const text = `Worker ${child.label} ${how(child, status, outOfMemory)}`
  const hasStory = kind !== 'expected' && child.pid !== undefined
  const story = hasStory ? ` (${describeContext(child, now - child.born, record)})` : ''
  return { kind, served, level: levelOf(child, status, kind), text: `${text}${story}` }
}

function how(child: Child, { code, signal }: ExitStatus, outOfMemory: boolean): string {
  const reason = child.reason ?? (isWithoutCode(child) ? whyNoWorker() : undefined)
  const why = reason === undefined ? '' : `: ${reason}`
  if (signal !== null) return `was ended by ${signal}${why || guess(signal, outOfMemory)}`
  if (code === null) return child.reason ?? 'was never started'
  return `exited with code ${code}${why}`
}

/** It has not run a line of its own. */
function isWithoutCode({ state, isProgram }: Child): boolean {
  return state === 'spawned' && !isProgram
}

/** The arbiter did not send that signal. */
function guess(signal: NodeJS.Signals, outOfMemory: boolean): string {
  if (signal !== 'SIGKILL') return ''
  return outOfMemory ? ': the kernel killed it because memory ran out' : ': sent by somebody else'
}

function describeContext(
  { killed, isProgram }: Child,
  lived: number,
  record: ScoreRecord | undefined,
): string {
  const story = [`it lived ${(lived / 1_000).toFixed(1)} s`]
  if (record === undefined || record.heartbeat === 0) return story.join()
  if (!isProgram) story.push(`${answeredBy(record)} requests served`)
  // A stuck worker wrote its record before it took the request that blocks it.
  if (!killed && !isProgram) story.push(`${record.requests_in_flight} in flight`)
  story.push(`${mebibytes(record.rss)} MiB`)
  return story.join(', ')
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20)
}

/** The exit codes 128 + n of the stop signals. */
const bySignal: readonly (number | null)[] = ['SIGINT', 'SIGQUIT', 'SIGTERM'].map(
  name => 128 + constants.signals[name as NodeJS.Signals],
)

function levelOf({ killed, isProgram }: Child, { code, signal }: ExitStatus, kind: ExitKind): LogLevel {
  if (code === null && signal === null) return 'error'
  if (killed) return 'warning'
  if (code === 0) return kind === 'expected' ? 'info' : 'warning'
  // Like shells, many apps (Next.js for one) exit with this code after a signal that told them to stop.
  if (kind === 'expected' && bySignal.includes(code)) return 'info'
  if (signal === 'SIGTERM') return 'info'
  // Many programs end by the very signal that told them to; with `reload`, they are killed soon after it.
  if (kind === 'expected' && isProgram && signal !== null) return signal === 'SIGKILL' ? 'warning' : 'info'
  return signal === null || signal === 'SIGKILL' ? 'error' : 'warning'
}

/** Why a worker was killed, in the words of the log. */
export const killReasons: Readonly<Record<KillReason, string>> = {
  boot_timeout: 'not ready within boot_timeout',
  timeout: 'its event loop stood still for timeout',
  graceful_timeout: 'not drained within graceful_timeout',
  'quick stop': 'told to leave at once and did not',
}
