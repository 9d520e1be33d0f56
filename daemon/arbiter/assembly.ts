/** Puts a server together: its parts are made here, and handed to those that need them. */
import type { Resolved } from '../../config/resolve/resolve.ts'
import { HookQueue } from '../../hooks/queue.ts'
import { AppBinds } from '../generation/app-binds.ts'
import { Renewals } from '../generation/certificate-watcher.ts'
import { Generations, type Preload } from '../generation/generations.ts'
import { Watcher } from '../generation/source-watcher.ts'
import type { ErrorLog } from '../logs/error-log.ts'
import { Journal } from '../logs/journal.ts'
import type { Outlets } from '../logs/telemetry.ts'
import { Waits } from '../logs/waits.ts'
import type { Pidfile } from '../process/pidfile.ts'
import { Upgrader } from '../process/upgrader.ts'
import { Autoscaler } from '../scaling/autoscaler.ts'
import type { InheritedFds } from '../sockets/inherited-fds.ts'
import { Listeners } from '../sockets/listeners.ts'
import { firstPhase } from '../state/phase.ts'
import type { Scale } from '../state/scale.ts'
import { CrashLoop, survivorsOf } from '../workers/crash-loop.ts'
import { Fleet } from '../workers/fleet.ts'
import { Scoreboard } from '../workers/scoreboard.ts'
import { Totals } from '../workers/totals.ts'
import type { ServerEvent } from './inbox.ts'
import { Server } from './server.ts'

/** What exists before there is a server. */
export interface Foundation {
  /** The configuration of the first generation. */
  readonly resolved: Resolved
  readonly log: ErrorLog
  readonly outlets: Outlets
  /** The environment that workers start from. */
  readonly env: NodeJS.ProcessEnv
  /** The descriptors that this arbiter inherited, and who its old arbiter is. */
  readonly inheritedFds: InheritedFds
  readonly pidfile: Pidfile
  readonly preload: Preload
  /** How many workers may boot at the same time. */
  readonly boots: number
}

/** `put` receives what happens to the server: it goes into the inbox. */
export function assemble(foundation: Foundation, put: (event: ServerEvent) => void): Server {
  const { resolved, log, outlets, env, inheritedFds, pidfile, boots, preload } = foundation
  const { hook_timeout, worker_tmp_dir } = resolved.settings
  const hooks = new HookQueue(resolved.hooks, hook_timeout, log, () => put({ type: 'hook ended' }))
  const scoreboard = new Scoreboard({ folder: worker_tmp_dir, warn: message => log.warning(message) })
  const records = () => scoreboard.read()
  const journal = new Journal()
  const totals = new Totals()
  const upgrader = new Upgrader(inheritedFds, put)
  const listeners = new Listeners(inheritedFds.descriptors, log.write)
  const generations = new Generations(put, listeners, new AppBinds(inheritedFds.appBinds), preload)
  const fleet: Fleet = new Fleet({
    put,
    log,
    journal,
    totals,
    scoreboard,
    hooks,
    env,
    view: () => server.view(),
    isAwaited: listener => upgrader.goesOn || generations.isClaimed(listener),
  })
  const phase = firstPhase(resolved.settings, inheritedFds.oldArbiter !== undefined)
  const server: Server = new Server(resolved, phase, {
    log,
    outlets,
    hooks,
    journal,
    totals,
    fleet,
    generations,
    upgrader,
    pidfile,
    scoreboard,
    crashLoop: new CrashLoop({ log, boots, survivors: () => survivorsOf(fleet.workers, records()) }),
    waits: new Waits(log, records),
    watcher: new Watcher(put, log),
    renewals: new Renewals(put, log),
    autoscaler: new Autoscaler({ put, log, records, workers: () => fleet.workers }),
    scale: inheritedFds.scale === undefined ? undefined : (JSON.parse(inheritedFds.scale) as Scale),
  })
  return server
}
