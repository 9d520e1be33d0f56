/** Judges what each failed request counts as. */
import type { Failure } from './client/client-messages.ts'
import type { Result } from './client/connection.ts'
import { kindNamed } from './client/kinds.ts'

export type Verdict =
  | Exclude<Result, 'ok'>
  | 'idle race'
  | 'client held up'
  | 'killed'
  | 'explained'
  | 'refused at stop'
  | 'reset at stop'

/** The verdicts that are no failures of the server. */
export const excused: readonly Verdict[] = [
  'not begun',
  'idle race',
  'client held up',
  'killed',
  'explained',
  'refused at stop',
  'reset at stop',
]

/** A worker that was killed with -9, and when, in milliseconds of the wall clock. */
export interface Killing {
  readonly worker: number
  readonly at: number
}

export interface Circumstances {
  readonly killings: readonly Killing[]
  /** When the server was told to stop. */
  readonly stoppedAt: number | undefined
  /** Whether something else done to the server explains it. */
  readonly explains: ((failure: Failure) => boolean) | undefined
}

/** How long a draining worker waits before it closes an idle connection, in milliseconds. */
const drainIdleMs = 900

/** How long a connection that is closed is read on, lest a reset destroys answers, in milliseconds. */
const lingerMs = 2_000

/** How long after a kill its victims may notice it, and how long the kernel takes to end them, in milliseconds. */
const noticeMs = 1_000
const dyingMs = 100

/** Whether this client leaves its connections idle on purpose. */
function isLeisurely({ kind, before }: Failure): boolean {
  return before > 0 && kindNamed(kind).loop.kind === 'open'
}

export function judge(failure: Failure, { killings, stoppedAt, explains }: Circumstances): Verdict {
  const { kind, result, detail, received, before, idle, worker, began, ended, heldUp } = failure
  const unanswered = result === 'reset' && received === 0
  if (unanswered && idle >= drainIdleMs) return isLeisurely(failure) ? 'idle race' : 'client held up'
  // The TLS handshake takes several turns of the client's own loop.
  const unbegun = result === 'refused' && detail.includes('before secure TLS connection')
  if ((unanswered || unbegun) && heldUp >= drainIdleMs) return 'client held up'
  const cut = result === 'reset' || result === 'short body'
  // It has sent more than a closed connection takes, before it has read what came.
  if (cut && kindNamed(kind).version === 'pipelined' && heldUp >= lingerMs) return 'client held up'
  const isVictim = (killing: Killing) =>
    (worker === undefined || worker === killing.worker) &&
    began <= killing.at + dyingMs &&
    ended >= killing.at &&
    ended <= killing.at + noticeMs
  if (cut && killings.some(isVictim)) return 'killed'
  if (explains?.(failure) === true) return 'explained'
  if (stoppedAt === undefined || ended < stoppedAt) return result
  if (result === 'refused') return 'refused at stop'
  return unanswered && before === 0 ? 'reset at stop' : result
}
