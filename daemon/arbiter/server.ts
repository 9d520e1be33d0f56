/** The state of the server: its generations, its workers, and how many are wanted. The arbiter decides what changes. */
import type { Resolved } from '../../config/resolve/resolve.ts'
import { HookQueue } from '../../hooks/queue.ts'
import type { ServerView } from '../../hooks/table.ts'
import { monotonicNow } from '../../worker/protocol/scoreboard.ts'
import { AppBinds, bindFrom } from '../generation/app-binds.ts'
import { type RenewalEvent, Renewals } from '../generation/certificate-watcher.ts'
import { addressesOf, type Generation, mayBind } from '../generation/generation.ts'
import { Generations } from '../generation/generations.ts'
import { Watcher } from '../generation/source-watcher.ts'
import type { ErrorLog } from '../logs/error-log.ts'
import type { Outlets } from '../logs/telemetry.ts'
import { giveAccessLog } from '../process/ownership.ts'
import type { Pidfile } from '../process/pidfile.ts'
import { Upgrader } from '../process/upgrader.ts'
import type { InheritedFds } from '../sockets/inherited-fds.ts'
import { Listeners } from '../sockets/listeners.ts'
import { reusePortRisk } from '../sockets/reuse-port.ts'
import { count } from '../state/count.ts'
import type { Limits } from '../state/deadlines.ts'
import { firstPhase, type Phase } from '../state/phase.ts'
import { configure, type Scale, scaleOf, shareOf } from '../state/scale.ts'
import type { World } from '../state/world.ts'
import { CrashLoop, survivorsOf } from '../workers/crash-loop.ts'
import { Fleet } from '../workers/fleet.ts'
import { Scoreboard } from '../workers/scoreboard.ts'
import type { Child } from '../workers/worker-handle.ts'
import type { ServerEvent } from './arbiter-event.ts'
import { Waits } from './waits.ts'

export interface ServerParts {
  /** The configuration of the first generation. */
  readonly resolved: Resolved
  readonly log: ErrorLog
  readonly outlets: Outlets
  /** The environment that workers start from. */
  readonly env: NodeJS.ProcessEnv
  /** The descriptors that this arbiter inherited, and who its old arbiter is. */
  readonly inheritedFds: InheritedFds
  readonly pidfile: Pidfile
  /** How many workers may boot at the same time. */
  readonly boots: number
}

export class Server {
  readonly log: ErrorLog
  readonly outlets: Outlets
  readonly hooks: HookQueue
  readonly fleet: Fleet
  readonly generations: Generations
  readonly upgrader: Upgrader
  readonly pidfile: Pidfile
  readonly crashLoop: CrashLoop
  readonly waits: Waits
  phase: Phase
  scale: Scale
  /** Why the last reload failed, in one line; undefined if it did not. */
  failure: string | undefined
  #scaleBefore: Scale
  readonly #parts: ServerParts
  readonly #scoreboard: Scoreboard
  readonly #watcher: Watcher
  readonly #renewals: Renewals

  constructor(parts: ServerParts, put: (event: ServerEvent) => void) {
    const { resolved, log, env } = parts
    this.#parts = parts
    this.log = log
    this.outlets = parts.outlets
    this.pidfile = parts.pidfile
    this.phase = firstPhase(resolved.settings, parts.inheritedFds.oldArbiter !== undefined)
    this.scale = scaleOf(resolved.settings.workers)
    this.#scaleBefore = this.scale
    this.hooks = new HookQueue(resolved.hooks, resolved.settings.hook_timeout, log, () =>
      put({ type: 'hook ended' }),
    )
    const warn = (message: string) => log.warning(message)
    this.#scoreboard = new Scoreboard({ folder: resolved.settings.worker_tmp_dir, warn })
    this.#watcher = new Watcher(put, log)
    this.#renewals = new Renewals(put, log)
    this.upgrader = new Upgrader(parts.inheritedFds, put)
    const listeners = new Listeners(parts.inheritedFds.descriptors, log.write)
    this.generations = new Generations(put, listeners, new AppBinds(parts.inheritedFds.appBinds))
    this.fleet = new Fleet({
      put,
      log,
      scoreboard: this.#scoreboard,
      hooks: this.hooks,
      env,
      view: () => this.view(),
      isAwaited: listener => this.upgrader.goesOn || this.generations.isClaimed(listener),
    })
    const records = () => this.#scoreboard.read()
    this.crashLoop = new CrashLoop(log, () => survivorsOf(this.fleet.workers, records()))
    this.waits = new Waits(log, records)
  }

  /** The configuration in force. */
  get resolved(): Resolved {
    return (this.generations.current ?? this.generations.lastGood)?.resolved ?? this.#parts.resolved
  }

  /** Makes a generation the wanted one; the workers before it leave as its workers become ready. */
  activate(generation: Generation): void {
    const { settings } = generation.resolved
    const known = addressesOf(this.generations.current)
    for (const address of addressesOf(generation)) {
      if (!known.includes(address)) this.log.info(`Listening at: ${address}`)
    }
    const risk = settings.reuse_port ? reusePortRisk() : undefined
    if (risk !== undefined) this.log.warning(risk)
    this.#follow(generation)
    this.crashLoop.end()
    this.#scaleBefore = this.scale
    this.rescale(configure(this.scale, settings.workers))
  }

  /** Goes back to the last good generation, with its scale. */
  revert(): void {
    const { current, lastGood } = this.generations
    if (current === lastGood || lastGood === undefined) return
    this.#follow(lastGood)
    this.rescale(this.#scaleBefore)
  }

  #follow(generation: Generation): void {
    const { resolved } = generation
    this.generations.activate(generation)
    this.hooks.use(resolved.hooks, resolved.settings.hook_timeout)
    this.log.setLevel(resolved.settings.loglevel)
    this.log.setFormat(resolved.settings.log_format)
    this.outlets.follow(generation)
    this.#watcher.follow(resolved)
    this.#renewals.follow(generation)
  }

  rescale(scale: Scale): void {
    const { wanted } = this.scale
    this.scale = scale
    if (scale.wanted === wanted) return
    this.log.info(`Wanted: ${count(scale.wanted, 'worker')} (before: ${wanted})`)
    this.hooks.tell('nworkers_changed', this.view(), scale.wanted, wanted)
  }

  /** The workers of that generation, present and future, serve with the new certificate. */
  renew({ generation, tls }: RenewalEvent): void {
    this.generations.renew(generation, tls)
    this.fleet.tell({ type: 'renew', tls }, generation)
  }

  reopenLogs(): void {
    void this.log.reopen()
    try {
      giveAccessLog(this.resolved)
    } catch (error) {
      this.log.error((error as Error).message)
    }
    this.fleet.tell({ type: 'reopen' })
  }

  /**
   * Closes listeners that no generation needs any more; none before the start, or while another arbiter shares them.
   */
  closeListeners(): void {
    if (this.upgrader.isShared || this.phase.name === 'waiting') return
    const { current, lastGood } = this.generations
    const needed = [current, lastGood].filter(generation => generation !== undefined)
    if (this.phase.name === 'stopping') this.generations.closeListeners()
    else if (needed.length > 0) this.generations.keepListeners([...needed, ...this.fleet.serving])
  }

  close(): void {
    if (!this.upgrader.isShared) this.generations.closeListeners()
    this.#watcher.close()
    this.#renewals.close()
    this.#scoreboard.close()
  }

  /** The input of the plan. */
  world(): World {
    const { current, lastGood } = this.generations
    const { settings } = this.resolved
    const { wanted } = this.scale
    const now = monotonicNow()
    const serving = this.fleet.workers.filter(({ state }) => state === 'ready').map(({ born }) => born)
    if (this.fleet.workers.some(child => isSilent(child, this.fleet.limitsOf(child.generation), now)))
      this.fleet.readHeartbeats()
    return {
      now,
      ...stopOf(this.phase, this.upgrader.isShared ? 0 : settings.drain_delay * 1_000),
      wanted: current === undefined ? 0 : wanted,
      generation: current?.number ?? 0,
      surge: shareOf(settings.reload_surge, wanted),
      boots: this.#asksApp && serving.length === 0 ? 1 : this.crashLoop.boots(this.#parts.boots, serving),
      // A reverted generation does not bake: its last worker leaves like the others.
      bake: this.phase.name === 'reloading' ? settings.reload_bake * 1_000 : 0,
      recycles: this.phase.name === 'running',
      undecided: this.generations.isPreparing,
      lastGood: lastGood?.number,
      spawnAfter: this.crashLoop.startAfter(serving),
      workers: this.fleet.workers,
      limitsOf: generation => this.fleet.limitsOf(generation),
      addressesOf: number =>
        [...this.fleet.serving, lastGood, current]
          .find(one => one?.number === number)
          ?.listeners.map(({ name }) => name) ?? [],
    }
  }

  /**
   * Whether the first worker has yet to find out where the app listens: a second one that listened meanwhile would
   * conflict with it, or with the arbiter's bind.
   */
  get #asksApp(): boolean {
    const { current, appBinds } = this.generations
    const asks = current !== undefined && bindFrom(current.resolved) === 'nobody' && mayBind(current)
    return asks && appBinds.all.length === 0
  }

  /** What hooks see; `resolved` may be a configuration that is not in force yet. */
  view(resolved = this.resolved): ServerView {
    const { current, lastGood } = this.generations
    const generation = current ?? lastGood
    return {
      pid: process.pid,
      proc_name: resolved.parsed.name,
      phase: this.phase.name,
      generation: generation?.number ?? 0,
      settings: resolved.settings,
      num_workers: this.scale.wanted,
      workers: this.fleet.workers.map(child => this.fleet.view(child)),
      addresses: addressesOf(generation),
      log: this.log,
    }
  }
}

function isSilent({ heartbeat }: Child, limits: Limits, now: number): boolean {
  return limits.heartbeat > 0 && heartbeat + limits.heartbeat <= now
}

function stopOf(phase: Phase, delay: number): Pick<World, 'stopping' | 'stopAt'> {
  if (phase.name !== 'stopping') return { stopping: 'no', stopAt: 0 }
  return { stopping: phase.how === 'announced' ? 'soon' : phase.how, stopAt: phase.since + delay }
}
