/** Starts a worker: the hook before it, its place on the scoreboard, its process. Whatever fails ends the worker. */
import type { HookQueue } from '../../hooks/queue.ts'
import { HookError } from '../../hooks/run.ts'
import type { ServerView } from '../../hooks/table.ts'
import { monotonicNow } from '../../worker/protocol/scoreboard.ts'
import { appFileOf, descriptorsOf, type Generation, startMessage } from '../generation/generation.ts'
import type { ErrorLog } from '../logs/error-log.ts'
import type { Journal } from '../logs/journal.ts'
import { giveAccessLog } from '../process/ownership.ts'
import { lend, type Scoreboard, type Seat } from './scoreboard.ts'
import type { Child } from './worker-handle.ts'

export interface LaunchParts {
  readonly log: ErrorLog
  readonly journal: Journal
  readonly scoreboard: Scoreboard
  readonly hooks: HookQueue
  /** The base environment of workers. */
  readonly env: NodeJS.ProcessEnv
  readonly view: () => ServerView
  /** Load the app with tsx. */
  readonly tsx: boolean
}

export function launch(child: Child, generation: Generation, parts: LaunchParts): void {
  const { hooks, log, view } = parts
  const { resolved } = generation
  const hasHook = hooks.has('pre_fork') && generation.page === undefined
  if (!hasHook && resolved.owner === undefined) return start(child, generation, parts)
  const prepare = async () => {
    if (hasHook) await hooks.call('pre_fork', view(), child.view(log))
    giveAccessLog(resolved)
  }
  prepare()
    .then(() => start(child, generation, parts))
    .catch((error: Error) => {
      const isHook = error instanceof HookError
      giveUp(child, error, isHook ? 'the hook pre_fork failed' : 'its log cannot be given to it')
    })
}

function start(
  child: Child,
  generation: Generation,
  { log, journal, scoreboard, env, tsx }: LaunchParts,
): void {
  if (child.ending !== undefined) return
  const { settings } = generation.resolved
  let seat: Seat
  try {
    seat = scoreboard.take(child.age)
  } catch (error) {
    return giveUp(child, error as Error, 'there is no room for its heartbeat')
  }
  child.seat = seat
  child.since = monotonicNow()
  const options = {
    ...(generation.page === undefined
      ? { app: appFileOf(settings), args: settings.app_args }
      : { app: undefined, args: [] }),
    cwd: settings.chdir,
    env,
    start: startMessage(generation, child, seat.slot, tsx && generation.page === undefined),
    capture: isCaptured(settings) ? log.print : undefined,
    hasWatchdog: settings.timeout_stack,
  }
  lend(seat, fd => child.start({ ...options, descriptors: [fd, ...descriptorsOf(generation)] }))
  if (child.pid === undefined) return
  log.info(`Booting worker ${child.label}`)
  journal.note({ type: 'worker booting', worker: child.name })
}

/** What Python prints, and its logging, is for the error log. */
function isCaptured({ capture_output, errorlog, worker_class }: Generation['resolved']['settings']): boolean {
  return (capture_output && errorlog !== '-') || worker_class === 'wsgi'
}

function giveUp(child: Child, { message }: Error, reason: string): void {
  if (child.ending !== undefined) return
  child.failure = { type: 'failed', why: 'boot', message }
  child.fail(reason)
}
