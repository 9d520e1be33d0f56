/**
 * Loads hooks and app as a worker would, in a separate process that serves no requests: for `--check-config` and
 * `preload_app`.
 */
import { type Address, urlOf } from '../config/kinds/bind-address.ts'
import type { Resolved } from '../config/resolve/resolve.ts'
import { firstInherited } from '../worker/protocol/frame.ts'
import type { InheritedListener } from '../worker/protocol/messages.ts'
import { Inbox } from './arbiter/inbox.ts'
import { bindFrom } from './generation/app-binds.ts'
import { appFileOf, workerHooks, workerSettings } from './generation/generation.ts'
import { readTls } from './generation/tls-files.ts'
import { nodeWorker } from './kinds/node-worker.ts'
import { whyNotRunnable } from './kinds/program-command.ts'
import type { ErrorLog } from './logs/error-log.ts'
import { Scoreboard, type Seat } from './workers/scoreboard.ts'
import { Child, type ChildEvent } from './workers/worker-handle.ts'

export interface Trial {
  readonly env: NodeJS.ProcessEnv
  /** Ends the process; then the outcome means nothing. */
  readonly signal?: AbortSignal
  readonly tsx?: boolean
  /** Gets what the process has to say in the error log. */
  readonly log?: ErrorLog['write']
}

/** Resolves with undefined if the app loads, else with the reason. */
export async function tryApp(resolved: Resolved, trial: Trial): Promise<string | undefined> {
  const { env, signal, tsx = false, log } = trial
  const { settings } = resolved
  if (settings.worker_class === 'exec') {
    const { app_args: command, chdir: cwd, raw_env } = settings
    return whyNotRunnable({ command, cwd, env, raw_env })
  }
  const tls = await readTls(resolved).catch((error: Error) => error)
  if (tls instanceof Error) return tls.message
  if (signal?.aborted) return 'it was stopped'
  const inbox = new Inbox<ChildEvent>()
  const warn = (message: string) => process.stderr.write(`${message}\n`)
  const scoreboard = new Scoreboard({ folder: settings.worker_tmp_dir, warn })
  let seat: Seat
  try {
    seat = scoreboard.take(1)
  } catch (error) {
    return (error as Error).message
  }
  const child = new Child({ age: 1, generation: 1, index: 0 }, 0, event => inbox.put(event))
  const start = nodeWorker({
    app: appFileOf(settings),
    args: settings.app_args,
    cwd: settings.chdir,
    env,
    descriptors: [seat.fd],
    start: {
      type: 'start',
      age: 1,
      generation: 1,
      bindFrom: bindFrom(resolved),
      mayBind: resolved.owner === undefined,
      unbound: [],
      tsx,
      index: 0,
      check: true,
      settings: workerSettings(resolved),
      listeners: resolved.parsed.addresses.flatMap(pretend),
      scoreboard: { fd: firstInherited, slot: seat.slot },
      ...workerHooks(resolved),
      ...(tls === undefined ? {} : { tls }),
      // Only root can load the app as the user that it is to run as.
      ...(resolved.owner === undefined || process.geteuid?.() !== 0 ? {} : { identity: resolved.owner }),
    },
  })
  child.start(start)
  const limit = settings.boot_timeout * 1_000
  let isLate = false
  const giveUp = () => {
    isLate = true
    child.kill()
  }
  const timer = limit > 0 ? setTimeout(giveUp, limit) : undefined
  const end = () => child.kill()
  signal?.addEventListener('abort', end)
  let loaded = false
  for (;;) {
    const event = await inbox.next()
    if (event.type === 'exited') break
    if (event.type === 'lost') child.kill()
    if (event.type !== 'said') continue
    if (event.message.type === 'ready') loaded = true
    if (event.message.type === 'failed') child.failure = event.message
    if (event.message.type === 'log') log?.(event.message.level, event.message.message, child.pid)
  }
  clearTimeout(timer)
  signal?.removeEventListener('abort', end)
  scoreboard.close()
  // The arbiter would bind that address.
  if (loaded || child.failure?.why === 'elsewhere') return undefined
  if (child.failure?.why === 'tsx' && !tsx) return await tryApp(resolved, { ...trial, tsx: true })
  if (isLate) return `The app did not load within boot_timeout (${settings.boot_timeout} s)`
  return child.failure?.message ?? `The app did not load: its process ended with ${endingOf(child)}`
}

/** Describes a listener by its address only: a check binds nothing. */
function pretend(address: Address): InheritedListener[] {
  if (address.kind === 'fd') return []
  const common = { fd: -1, spare: -1, reuse_port: false, of_app: false, late: false }
  if (address.kind === 'unix') return [{ ...common, name: `unix:${address.path}`, path: address.path }]
  const { kind, ...rest } = { ...address, port: address.port || 8000 }
  return [{ ...common, name: urlOf(rest), ...rest }]
}

function endingOf({ ending }: Child): string {
  return ending?.signal ?? `code ${ending?.code}`
}
