/** Starts a worker: the hook before it, its place on the scoreboard, its process. Whatever fails ends the worker. */
import type { HookQueue } from '../../hooks/queue.ts'
import { HookError } from '../../hooks/run.ts'
import type { ServerView } from '../../hooks/table.ts'
import { monotonicNow } from '../../worker/protocol/scoreboard.ts'
import {
  appFileOf,
  descriptorsOf,
  type Generation,
  programSockets,
  startMessage,
} from '../generation/generation.ts'
import { nodeWorker } from '../kinds/node-worker.ts'
import type { WorkerStart } from '../kinds/worker-start.ts'
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
  const isProgram = resolved.settings.worker_class === 'exec'
  if (!hasHook && resolved.owner === undefined && !isProgram)
    return start(child, parts, nodeStart(generation, parts))
  const prepare = async () => {
    const starter = isProgram ? await programStart(generation, parts) : nodeStart(generation, parts)
    if (hasHook) await hooks.call('pre_fork', view(), child.view(log))
    giveAccessLog(resolved)
    return starter
  }
  prepare()
    .then(starter => start(child, parts, starter))
    .catch((error: Error) => giveUp(child, error, reasonOf(error)))
}

function reasonOf(error: Error): string {
  if (error instanceof HookError) return 'the hook pre_fork failed'
  return error instanceof NotRunnable ? 'its program cannot be run' : 'its log cannot be given to it'
}

/** The program of a worker is not there, or may not be run. */
class NotRunnable extends Error {}

/** What the kind of worker makes of a place for it; the descriptor is that of the scoreboard, for the worker alone. */
type Starter = (child: Child, seat: Seat, fd: number) => WorkerStart

function nodeStart(generation: Generation, { log, env, tsx }: LaunchParts): Starter {
  const { settings } = generation.resolved
  const options = {
    ...(generation.page === undefined
      ? { app: appFileOf(settings), args: settings.app_args }
      : { app: undefined, args: [] }),
    cwd: settings.chdir,
    env,
    capture: isCaptured(settings) ? log.print : undefined,
    hasWatchdog: settings.timeout_stack,
  }
  return (child, { slot }, fd) =>
    nodeWorker({
      ...options,
      start: startMessage(generation, child, slot, tsx && generation.page === undefined),
      descriptors: [fd, ...descriptorsOf(generation)],
    })
}

/** Loads what only programs need. */
async function programStart(generation: Generation, { log, env }: LaunchParts): Promise<Starter> {
  const { programWorker, whyNotRunnable } = await import('../kinds/program-worker.ts')
  const { settings, owner } = generation.resolved
  const { app_args: command, chdir: cwd, raw_env, root_path, ready_fd } = settings
  const why = whyNotRunnable({ command, cwd, env, raw_env })
  if (why !== undefined) throw new NotRunnable(why)
  const sockets = programSockets(generation)
  const print = (line: string, pid: number) => log.print(`${line}\n`, pid)
  return ({ age, index }, seat) =>
    programWorker({
      ...{ command, cwd, env, raw_env, root_path, ready_fd, owner, age, index },
      ...{ sockets, settings, seat, print },
    })
}

function start(child: Child, { log, journal, scoreboard }: LaunchParts, starter: Starter): void {
  if (child.ending !== undefined) return
  let seat: Seat
  try {
    seat = scoreboard.take(child.age)
  } catch (error) {
    return giveUp(child, error as Error, 'there is no room for its heartbeat')
  }
  child.seat = seat
  child.since = monotonicNow()
  lend(seat, fd => child.start(starter(child, seat, fd)))
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
