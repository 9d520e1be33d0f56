/**
 * The arbiter: hears one thing at a time, reacts to it, and makes the workers that are into the workers that should be.
 *
 * What to do is decided by `phase.ts` and `plan.ts`; this file does it.
 */
import type { Resolved } from '../config/resolve.ts'
import type { LogLevel } from '../worker/protocol.ts'
import { monotonicNow } from '../worker/scoreboard-layout.ts'
import { Alarm } from './alarm.ts'
import type { Child, ChildEvent } from './child.ts'
import { Deaths } from './deaths.ts'
import type { Generation } from './generation.ts'
import { Herald } from './herald.ts'
import { Inbox } from './inbox.ts'
import type { LineageEvent } from './lineage.ts'
import type { Notifier } from './notify.ts'
import {
  type Deed,
  type Happening,
  mostRestarts,
  next,
  type Phase,
  reactionOf,
  type SignalName,
} from './phase.ts'
import { type Action, isSettled, plan } from './plan.ts'
import { Reloads } from './reloads.ts'
import type { RenewalEvent } from './renewals.ts'
import { grow, park, shrink } from './scale.ts'
import { count, Server, type ServerParts } from './server.ts'
import { catchSignals, isInForeground } from './signals.ts'
import type { SuccessionEvent } from './succession.ts'
import { Upgrades } from './upgrades.ts'
import type { WatchEvent } from './watcher.ts'

/** Everything that can happen to an arbiter. */
type Event =
  | ChildEvent
  | SuccessionEvent
  | LineageEvent
  | WatchEvent
  | RenewalEvent
  | { readonly type: 'signal'; readonly name: SignalName }
  | { readonly type: 'continued' }
  | { readonly type: 'tick'; readonly due: number }

/** What is known about a happening. */
interface About {
  readonly generation?: Generation
  readonly error?: unknown
}

export interface ArbiterParts extends ServerParts {
  /** Reads the configuration anew, from the same sources. */
  readonly reread: () => Promise<Resolved>
  /** The folder that this arbiter was started in. */
  readonly cwd: string
  /** Tells systemd about this server, where systemd wants to know. */
  readonly notifier: Notifier | undefined
}

/** A timer that comes later than this, in milliseconds, means that the arbiter itself did not run. */
const suspicious = 1_000

export class Arbiter {
  readonly #parts: ArbiterParts
  readonly #inbox = new Inbox<Event>()
  readonly #server: Server
  readonly #reloads: Reloads
  readonly #upgrades: Upgrades
  readonly #herald: Herald | undefined
  readonly #deaths: Deaths

  constructor(parts: ArbiterParts) {
    this.#parts = parts
    this.#server = new Server(parts, event => this.#inbox.put(event))
    this.#reloads = new Reloads(this.#server, parts.reread)
    this.#deaths = new Deaths(this.#server, this.#reloads, parts.resolved)
    this.#upgrades = new Upgrades(this.#server, parts)
    this.#herald = parts.notifier && new Herald(this.#server, parts.notifier)
  }

  /** Serves until it is told to stop; resolves with the exit code. */
  async run(): Promise<number> {
    const server = this.#server
    const alarm = new Alarm(due => this.#inbox.put({ type: 'tick', due }))
    const release = catchSignals(name => {
      this.#inbox.put(name === 'CONT' ? { type: 'continued' } : { type: 'signal', name })
    })
    server.hooks.tell('nworkers_changed', server.view(), server.scale.wanted, undefined)
    server.succession.prepare({
      read: async () => this.#parts.resolved,
      before: () => server.hooks.call('on_starting', server.view()),
    })
    while (server.phase.name !== 'stopped') {
      this.#hear(await this.#inbox.next())
      alarm.set(this.#act(), this.#herald?.tell(monotonicNow()))
    }
    alarm.close()
    server.hooks.tell('on_exit', server.view())
    await server.hooks.idle()
    server.close()
    server.lineage.release()
    release()
    return server.phase.code
  }

  #hear(event: Event): void {
    switch (event.type) {
      case 'signal':
        return this.#obey(event.name)
      case 'said':
        return this.#server.fleet.listen(event.child, event.message, this.#server.succession.current)
      case 'exited':
        return this.#bury(event.child)
      case 'prepared':
      case 'unprepared':
        return this.#server.succession.conclude() ? this.#react(event.type, event) : undefined
      case 'heir ready':
      case 'heir ended':
      case 'promoted':
        return this.#upgrades.hear(event)
      case 'changed':
        return this.#react('HUP')
      case 'renewed':
        return this.#server.renew(event)
      case 'continued':
        return this.#server.fleet.forgivePulses()
      case 'tick':
        if (monotonicNow() - event.due > suspicious) this.#server.fleet.forgivePulses()
    }
  }

  #obey(name: SignalName): void {
    const { log, phase } = this.#server
    if (name === 'WINCH' && isInForeground()) {
      return log.debug('Ignoring signal: winch: a terminal sends it when its window changes')
    }
    log.info(`Handling signal: ${name.toLowerCase()}`)
    if (reactionOf(phase, name) !== undefined) this.#react(name)
    else log.warning(`${name} has no effect while ${phase.name}`)
  }

  #react(happening: Happening, about: About = {}): void {
    const before = this.#server.phase
    const deed = reactionOf(before, happening)
    if (deed === undefined) return
    this.#server.phase = next(before, deed, monotonicNow(), this.#deaths.exitCode)
    this.#deeds[deed](about, before)
  }

  readonly #deeds: Readonly<Record<Deed, (about: About, before: Phase) => void>> = {
    'start workers': ({ generation }) => this.#server.adopt(generation as Generation),
    open: (_, before) => this.#open(before),
    'give up': ({ error }) => this.#leave(`Cannot start: ${messageOf(error)}`, 'critical'),
    'postpone reload': (_, before) => {
      const over = `this one is over, which has started over ${mostRestarts} times`
      const when = before.name === 'reloading' ? over : 'the first workers are ready'
      this.#server.log.info(`The reload follows when ${when}`)
    },
    reload: () => this.#reloads.begin(),
    'roll out': ({ generation }) => this.#reloads.rollOut(generation as Generation),
    'abort reload': ({ error }, before) => {
      this.#reloads.abort(messageOf(error))
      this.#reloadAfter(before)
    },
    'finish reload': (_, before) => {
      this.#reloads.finish(before)
      this.#reloadAfter(before)
    },
    'back off': ({ error }) => this.#server.backOff(messageOf(error)),
    grow: () => this.#server.rescale(grow(this.#server.scale)),
    shrink: () => this.#server.rescale(shrink(this.#server.scale)),
    park: () => this.#server.rescale(park(this.#server.scale)),
    upgrade: () => void this.#upgrades.begin(),
    'reopen logs': () => this.#server.reopenLogs(),
    stop: () => this.#stop(),
    'stop quickly': () => this.#leave('Stopping: the workers leave at once'),
    leave: () => this.#server.log.info('Stopped'),
  }

  #open(before: Phase): void {
    const { succession, log, hooks, scale } = this.#server
    succession.good = succession.current
    this.#server.pidfile.publish()
    log.info(`Running: ${count(scale.wanted, 'worker')} ready`)
    hooks.tell('when_ready', this.#server.view())
    this.#server.lineage.announceReady()
    this.#reloadAfter(before)
  }

  /** However many were postponed, one with the newest files is enough. */
  #reloadAfter(before: Phase): void {
    if ('reloadAfter' in before && before.reloadAfter) this.#react('HUP')
  }

  #stop(): void {
    const { lineage, resolved } = this.#server
    if (lineage.heir !== undefined) return this.#leave(`Stopping: the heir goes on (pid ${lineage.heir})`)
    const { drain_delay: delay } = resolved.settings
    const first = delay === 0 ? '' : `serve on for ${delay} s, then `
    this.#leave(`Stopping: the workers ${first}finish what they have`)
    this.#server.fleet.tellAll({ type: 'announce' })
  }

  #leave(message: string, level: LogLevel = 'info'): void {
    this.#server.log.write(level, message)
    this.#server.succession.cancel()
    this.#server.succession.current = undefined
  }

  #bury(child: Child): void {
    const consequence = this.#deaths.bury(child)
    if (consequence !== undefined) this.#react(consequence.happening, consequence)
  }

  /** Makes what is into what should be; returns how long there is nothing to do but wait. */
  #act(): number | undefined {
    const server = this.#server
    let { actions, wakeAt } = plan(server.world())
    while (actions.length > 0) {
      for (const action of actions) this.#perform(action)
      ;({ actions, wakeAt } = plan(server.world()))
    }
    const { current, isPreparing } = server.succession
    if (current !== undefined && !isPreparing && isSettled(server.world())) this.#react('settled')
    server.outlets.count(server.fleet.workers.length)
    if (server.fleet.workers.length === 0) this.#react('empty')
    server.closeListeners()
    return wakeAt
  }

  #perform(action: Action): void {
    const { fleet, succession } = this.#server
    switch (action.do) {
      case 'spawn':
        return fleet.spawn(succession.current as Generation)
      case 'drain':
        return fleet.drain(action.age, action.why, succession.current)
      case 'quit':
        return fleet.quit(action.age)
      case 'kill':
        return fleet.kill(action.age, action.why)
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
