/**
 * The arbiter: takes one event at a time, reacts to it, and reconciles actual workers with desired workers.
 *
 * `phase.ts` and `plan.ts` decide what to do; this file does it.
 */
import { mostWorkers } from '../../config/kinds/kinds.ts'
import { messageOf, stackOf } from '../../hooks/thrown.ts'
import { monotonicNow } from '../../worker/protocol/scoreboard.ts'
import type { AdminServer } from '../admin/admin-server.ts'
import type { ControlSocket } from '../control/control-socket.ts'
import type { Command } from '../control/controlled.ts'
import type { Generation } from '../generation/generation.ts'
import type { RecentLines } from '../logs/recent-lines.ts'
import { describeStray, type ProcessGuard, Strays, strayError } from '../process/process-guard.ts'
import type { Notifier } from '../process/sd-notify.ts'
import { catchSignals } from '../process/signals.ts'
import { count } from '../state/count.ts'
import { next, type Phase, reactionOf, reloadsNow, type Transition, type Trigger } from '../state/phase.ts'
import { isSettled, plan } from '../state/plan.ts'
import { grow, pause, shrink } from '../state/scale.ts'
import { channelLost, warnAbout } from '../workers/misconduct.ts'
import type { Child } from '../workers/worker-handle.ts'
import { Alarm } from './alarm.ts'
import { assemble, type Foundation } from './assembly.ts'
import { type ArbiterEvent, Inbox, type TriggerDetails } from './inbox.ts'
import { Operator } from './operator.ts'
import { perform, worldOf } from './planning.ts'
import { type ReadAgain, Reloads } from './reloads.ts'
import type { Server } from './server.ts'
import { Stops } from './stops.ts'
import { SystemdStatus } from './systemd-status.ts'
import { Upgrades } from './upgrades.ts'
import { WorkerExits } from './worker-exits.ts'

export interface ArbiterParts extends Foundation {
  readonly readAgain: ReadAgain
  readonly guard: ProcessGuard
  readonly version: string
  readonly recentLines: RecentLines
  /** Metrics and health, if they are wanted. */
  readonly admin: AdminServer | undefined
  /** Clients that ask and command, if there is a socket for them. */
  readonly control: Pick<ControlSocket, 'serve' | 'move'> | undefined
  /** The folder that this arbiter was started in. */
  readonly cwd: string
  /** Reports to systemd, if systemd started this server and wants to know. */
  readonly notifier: Notifier | undefined
}

/** How often a stop may fail before the arbiter gives up on it. */
const mostFaults = 3

export class Arbiter {
  readonly #parts: ArbiterParts
  readonly #inbox = new Inbox<ArbiterEvent>()
  readonly #server: Server
  readonly #reloads: Reloads
  readonly #upgrades: Upgrades
  readonly #systemdStatus: SystemdStatus | undefined
  readonly #workerExits: WorkerExits
  readonly #stops: Stops
  readonly #operator: Operator
  readonly #strays = new Strays()
  /** Consecutive errors of its own that it survived. */
  #faults = 0

  constructor(parts: ArbiterParts) {
    this.#parts = parts
    this.#server = assemble(parts, event => this.#inbox.put(event))
    this.#reloads = new Reloads(this.#server, parts)
    this.#workerExits = new WorkerExits(this.#server, this.#reloads, parts.resolved)
    this.#upgrades = new Upgrades(this.#server, parts)
    this.#stops = new Stops(this.#server)
    this.#operator = new Operator(this.#server, {
      ...parts,
      reloads: this.#reloads,
      stops: this.#stops,
      upgrades: this.#upgrades,
      react: trigger => this.#react(trigger),
    })
    this.#systemdStatus = parts.notifier && new SystemdStatus(this.#server, parts.notifier)
  }

  /** Serves until it is told to stop; resolves with the exit code. */
  async run(): Promise<number> {
    const server = this.#server
    const alarm = new Alarm(() => this.#inbox.put({ type: 'tick' }))
    const signals = catchSignals(name => {
      this.#inbox.put(name === 'CONT' ? { type: 'continued' } : { type: 'signal', name })
    })
    const { admin, control, guard } = this.#parts
    const hear = (command: Command) => this.#inbox.put({ type: 'asked', command })
    admin?.serve(server, hear)
    control?.serve(hear)
    guard.onStray = error => this.#inbox.put({ type: 'stray', error })
    guard.onListenerFailed = error => server.log.error(describeStray(error, server.resolved.files))
    server.hooks.tell('nworkers_changed', server.view(), server.scale.wanted, undefined)
    server.generations.prepare({
      read: async () => this.#parts.resolved,
      before: () => server.hooks.call('on_starting', server.view()),
    })
    while (server.phase.name !== 'stopped') {
      const event = await this.#inbox.next()
      try {
        if (alarm.isOverdue) server.fleet.resetDeadlines()
        this.#hear(event)
        signals.keep()
        guard.keep()
        alarm.set(this.#act(), this.#systemdStatus?.tell(monotonicNow()), this.#stops.wakeAt)
        this.#faults = 0
      } catch (error) {
        alarm.set(this.#survive(event, error))
      }
    }
    await this.#stops.end(this.#inbox, alarm)
    alarm.close()
    await admin?.bequeath()
    server.close()
    signals.release()
    return server.phase.code
  }

  /** Continues after an internal error; if a stop keeps failing, it is left to the workers. */
  #survive(event: ArbiterEvent, error: unknown): number {
    this.#faults += 1
    if (this.#server.phase.name === 'stopping' && this.#faults > mostFaults) throw error
    this.#server.log.critical(`The arbiter failed on "${event.type}", and goes on: ${stackOf(error)}`)
    return monotonicNow() + 1_000
  }

  #hear(event: ArbiterEvent): void {
    switch (event.type) {
      case 'signal':
        return this.#operator.obey(event.name)
      case 'said':
        if (event.message.type !== 'listens')
          return this.#server.fleet.onMessage(event.child, event.message, this.#server.generations.planned)
        return this.#workerExits.bindLate(event.child, event.message) ? this.#react('HUP') : undefined
      case 'misbehaved':
        return warnAbout(event.child, event.text, this.#server.log)
      case 'lost':
        return channelLost(event.child, this.#server.log)
      case 'exited':
        return this.#reap(event.child)
      case 'prepared':
      case 'prepare failed':
        return this.#server.generations.finishPreparing() ? this.#react(event.type, event) : undefined
      case 'upgrade prepared':
      case 'upgrade abandoned':
      case 'new arbiter ready':
      case 'new arbiter ended':
      case 'promoted':
        this.#upgrades.hear(event)
        return this.#stops.takeUp() ? this.#react('TERM') : undefined
      case 'changed':
        return this.#react('HUP')
      case 'renewed':
        return this.#server.renew(event)
      case 'queues measured':
        return this.#server.autoscale(event.queued)
      case 'continued':
        return this.#server.fleet.resetDeadlines()
      case 'stray':
        return this.#hearStray(event.error)
      case 'tick':
        return this.#stops.takeUp() ? this.#react('TERM') : undefined
      case 'asked':
        return event.command(this.#operator)
    }
  }

  /** Fails the start or reload under way; a running server only logs the error. */
  #hearStray(error: unknown): void {
    const { log, phase, generations, resolved } = this.#server
    if (!generations.isPreparing && reactionOf(phase, 'stray') === undefined) this.#strays.add(error)
    if (this.#strays.has(error)) log.error(describeStray(error, resolved.files))
    else if (generations.isPreparing) generations.fail(strayError(error, resolved.files))
    else this.#react('stray', { error: strayError(error, resolved.files) })
  }

  #react(trigger: Trigger, about: TriggerDetails = {}): void {
    const before = this.#server.phase
    const transition = reactionOf(before, trigger)
    if (transition === undefined) return
    this.#server.phase = next(before, transition, monotonicNow(), this.#workerExits.codeAfter(about.error))
    this.#transitions[transition](about, before)
    if (reloadsNow(before, this.#server.phase)) this.#react('HUP')
  }

  readonly #transitions: Readonly<Record<Transition, (about: TriggerDetails, before: Phase) => void>> = {
    'start workers': ({ generation }) => this.#server.activate(generation as Generation),
    open: () => this.#open(),
    wait: ({ error, stack }) => this.#reloads.wait(error, stack),
    'start again': () => this.#reloads.startAgain(),
    'give up': ({ error }) => this.#stops.leave(`Cannot start: ${messageOf(error)}`, 'critical'),
    'postpone reload': (_, before) => this.#reloads.postpone(before),
    reload: () => this.#reloads.begin(),
    'roll out': ({ generation }) => this.#reloads.rollOut(generation as Generation),
    'abort reload': ({ error, stack }) => this.#reloads.abort(error, stack),
    'finish reload': (_, before) => this.#reloads.finish(before),
    'back off': ({ error }) => this.#server.crashLoop.backOff(messageOf(error)),
    grow: () => this.#server.rescale(grow(this.#server.scale, mostWorkers)),
    shrink: () => this.#server.rescale(shrink(this.#server.scale)),
    pause: () => this.#server.rescale(pause(this.#server.scale)),
    upgrade: () => this.#upgrades.begin(),
    'reopen logs': () => this.#server.reopenLogs(),
    stop: () => this.#stops.begin(),
    'stop quickly': () => this.#stops.beginQuickly(),
    leave: () => this.#server.log.info('Stopped'),
  }

  #open(): void {
    const { generations, journal, log, hooks, scale } = this.#server
    generations.confirm()
    this.#server.pidfile.publish()
    log.info(`Running: ${count(scale.wanted, 'worker')} ready`)
    journal.note({ type: 'serving', generation: generations.current?.number ?? 0 })
    hooks.tell('when_ready', this.#server.view())
    this.#server.upgrader.announceReady()
  }

  #reap(child: Child): void {
    const exit = this.#workerExits.reap(child)
    if (exit !== undefined) this.#react(exit.trigger, exit)
  }

  /** Reconciles actual workers with desired workers; returns when to do so again at the latest. */
  #act(): number | undefined {
    const server = this.#server
    let world = worldOf(server)
    let found = plan(world)
    for (; found.actions.length > 0; found = plan(world)) {
      for (const action of found.actions) perform(action, server)
      world = worldOf(server)
    }
    server.waits.tell(found.waits)
    const { phase, generations } = server
    if (generations.current !== undefined && !generations.isPreparing && isSettled(world))
      this.#react('settled')
    // Another phase may have other plans, such as to recycle a worker.
    if (server.phase.name !== phase.name) return this.#act()
    server.outlets.count(server.fleet.workers.length)
    if (server.fleet.workers.length === 0) this.#react('empty')
    server.closeListeners()
    generations.keepForks(server.fleet.workers.map(({ generation }) => generation))
    return found.wakeAt
  }
}
