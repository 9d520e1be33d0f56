/** The state of the server: its generations, its workers, and how many are wanted. The arbiter decides what changes. */
import type { Resolved } from '../../config/resolve/resolve.ts'
import { deducedFrom } from '../../config/worker-class.ts'
import type { HookQueue } from '../../hooks/queue.ts'
import type { ServerView } from '../../hooks/table.ts'
import { stackOf } from '../../hooks/thrown.ts'
import { monotonicNow, type ScoreRecord } from '../../worker/protocol/scoreboard.ts'
import type { RenewalEvent, Renewals } from '../generation/certificate-watcher.ts'
import { addressesOf, type Generation } from '../generation/generation.ts'
import type { Generations } from '../generation/generations.ts'
import type { Watcher } from '../generation/source-watcher.ts'
import { killRemains } from '../kinds/remains.ts'
import type { ErrorLog } from '../logs/error-log.ts'
import type { Journal } from '../logs/journal.ts'
import type { Outlets } from '../logs/telemetry.ts'
import type { Waits } from '../logs/waits.ts'
import { giveAccessLog } from '../process/ownership.ts'
import type { Pidfile } from '../process/pidfile.ts'
import type { Upgrader } from '../process/upgrader.ts'
import type { Autoscaler } from '../scaling/autoscaler.ts'
import { reusePortRisk } from '../sockets/reuse-port.ts'
import { count } from '../state/count.ts'
import type { Phase } from '../state/phase.ts'
import { configure, type Scale, scaleOf } from '../state/scale.ts'
import type { CrashLoop } from '../workers/crash-loop.ts'
import type { Fleet } from '../workers/fleet.ts'
import type { Scoreboard } from '../workers/scoreboard.ts'
import type { Totals } from '../workers/totals.ts'

export interface ServerParts {
  readonly log: ErrorLog
  readonly outlets: Outlets
  readonly hooks: HookQueue
  readonly journal: Journal
  readonly totals: Totals
  readonly fleet: Fleet
  readonly generations: Generations
  readonly upgrader: Upgrader
  readonly pidfile: Pidfile
  readonly scoreboard: Scoreboard
  readonly crashLoop: CrashLoop
  readonly waits: Waits
  readonly watcher: Watcher
  readonly renewals: Renewals
  readonly autoscaler: Autoscaler
  /** How many workers the old arbiter has. */
  readonly scale: Scale | undefined
}

export class Server {
  readonly log: ErrorLog
  readonly outlets: Outlets
  readonly hooks: HookQueue
  readonly journal: Journal
  readonly totals: Totals
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
  /** When it was started, in milliseconds of the monotonic clock. */
  readonly startedAt = monotonicNow()
  readonly #first: Resolved
  #deduced: string | undefined
  readonly #parts: ServerParts
  /** The scale of the last good generation. */
  #scaleBefore: Scale
  /** What the wanted generation made of it. */
  #scaleGiven: Scale

  /** `first` is the configuration of the first generation. */
  constructor(first: Resolved, phase: Phase, parts: ServerParts) {
    this.#first = first
    this.#parts = parts
    this.log = parts.log
    this.outlets = parts.outlets
    this.hooks = parts.hooks
    this.journal = parts.journal
    this.totals = parts.totals
    this.fleet = parts.fleet
    this.generations = parts.generations
    this.upgrader = parts.upgrader
    this.pidfile = parts.pidfile
    this.crashLoop = parts.crashLoop
    this.waits = parts.waits
    this.phase = phase
    const { workers } = first.parsed
    this.scale = parts.scale === undefined ? scaleOf(workers) : configure(parts.scale, workers)
    this.#scaleBefore = this.scale
    this.#scaleGiven = this.scale
  }

  /** The configuration in force. */
  get resolved(): Resolved {
    return (this.generations.current ?? this.generations.lastGood)?.resolved ?? this.#first
  }

  /** Makes a generation the wanted one; the workers before it leave as its workers become ready. */
  activate(generation: Generation): void {
    const { settings } = generation.resolved
    const known = addressesOf(this.generations.current)
    for (const address of addressesOf(generation)) {
      if (!known.includes(address)) this.log.info(`Listening at: ${address}`)
    }
    this.#sayKind(generation.resolved)
    const risk = settings.reuse_port ? reusePortRisk() : undefined
    if (risk !== undefined) this.log.warning(risk)
    this.#scaleBefore = this.#lastGoodScale()
    this.#follow(generation)
    this.crashLoop.end()
    this.#scaleGiven = configure(this.scale, generation.resolved.parsed.workers)
    this.rescale(this.#scaleGiven)
  }

  /** Once, where nobody has said it: another file in the folder could change it. */
  #sayKind({ settings, origins }: Resolved): void {
    const deduced = deducedFrom(settings, origins)
    if (deduced === undefined || deduced === this.#deduced) return
    this.#deduced = deduced
    this.log.info(deduced)
  }

  /** Goes back to the last good generation, with its scale; a number that an operator has chosen meanwhile stays. */
  revert(): void {
    const { current, lastGood } = this.generations
    if (current === lastGood || lastGood === undefined) return
    const scale = this.#lastGoodScale()
    this.#follow(lastGood)
    this.rescale(scale)
  }

  #lastGoodScale(): Scale {
    const { current, lastGood } = this.generations
    if (current === lastGood) return this.scale
    const { configured } = this.#scaleBefore
    return this.scale === this.#scaleGiven ? this.#scaleBefore : { ...this.scale, configured }
  }

  #follow(generation: Generation): void {
    const { resolved } = generation
    this.generations.activate(generation)
    this.hooks.use(resolved.hooks, resolved.settings.hook_timeout)
    this.log.setLevel(resolved.settings.loglevel)
    this.log.setFormat(resolved.settings.log_format)
    this.outlets.follow(generation)
    this.#parts.watcher.follow(resolved)
    this.#parts.renewals.follow(generation)
    this.#parts.autoscaler.follow(generation)
  }

  rescale(scale: Scale): void {
    const { wanted } = this.scale
    this.scale = scale
    if (scale.wanted === wanted) return
    this.log.info(`Wanted: ${count(scale.wanted, 'worker')} (before: ${wanted})`)
    this.journal.note({ type: 'wanted', workers: scale.wanted, before: wanted })
    this.hooks.tell('nworkers_changed', this.view(), scale.wanted, wanted)
  }

  /** Changes the number of workers with the load, while the server runs and nothing else changes. */
  autoscale(queued: number): void {
    const { phase, generations, scale, resolved } = this
    if (phase.name !== 'running' || generations.isPreparing || scale.wanted === 0) return
    const wanted = this.#parts.autoscaler.judge(queued, scale.wanted, resolved)
    this.rescale({ ...scale, wanted })
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

  /** The scoreboard, by age of the workers. */
  readonly records = (): ReadonlyMap<number, ScoreRecord> => this.#parts.scoreboard.read()

  /** Closes everything, also where something cannot be closed: that is logged. */
  close(): void {
    const { watcher, renewals, autoscaler, scoreboard } = this.#parts
    const steps = [
      () => {
        if (!this.upgrader.isShared) this.generations.closeListeners()
      },
      () => this.generations.keepForks(),
      () => watcher.close(),
      () => renewals.close(),
      () => autoscaler.close(),
      () => scoreboard.close(),
      killRemains,
      () => this.upgrader.release(),
    ]
    for (const step of steps)
      try {
        step()
      } catch (error) {
        this.log.critical(`The arbiter does not end in order: ${stackOf(error)}`)
      }
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
