/** Reloads the configuration and the app; each reload ends with one log line that says which generation serves. */
import { ConfigError } from '../../config/load/config-error.ts'
import type { Resolved } from '../../config/resolve/resolve.ts'
import { changedForRestart } from '../../config/restart.ts'
import { messageOf } from '../../hooks/thrown.ts'
import { monotonicNow } from '../../worker/protocol/scoreboard.ts'
import type { Generation } from '../generation/generation.ts'
import { pidfileOf } from '../process/pidfile.ts'
import { count } from '../state/count.ts'
import { mostRestarts, type Phase } from '../state/phase.ts'
import type { Server } from './server.ts'

/** Reads the configuration again from the same sources; stops reading when the signal is aborted. */
export type ReadAgain = (signal: AbortSignal) => Promise<Resolved>

export interface ReloadParts {
  readonly readAgain: ReadAgain
  /** The configuration that the arbiter was started with. */
  readonly resolved: Resolved
}

export class Reloads {
  readonly #server: Server
  readonly #parts: ReloadParts
  #count = 0

  constructor(server: Server, parts: ReloadParts) {
    this.#server = server
    this.#parts = parts
  }

  /** The number of the newest reload. */
  get number(): number {
    return this.#count
  }

  /** Prepares a generation from the newest files; one that is still being prepared is out of date. */
  begin(): void {
    this.#count += 1
    this.#server.log.info(`Reload ${this.#count}: reading the configuration`)
    this.#server.journal.note({ type: 'reload started', reload: this.#count })
    this.#prepare()
  }

  /** Waits for the developer to fix the app: no worker serves yet. `stack` is that of the error that ended a worker. */
  wait(error: unknown, stack?: string): void {
    const { log, generations, journal } = this.#server
    const reason = messageOf(error)
    log.error(`Cannot start: ${reason}`)
    log.info('Waiting for a change: a file that is saved, or HUP, starts again')
    generations.show({ heading: 'Cannot start', message: stack ?? detailsOf(error) })
    generations.deactivate()
    journal.note({ type: 'waiting', error: reason })
  }

  startAgain(): void {
    this.#server.log.info('Starting again: reading the configuration')
    this.#prepare()
  }

  #prepare(): void {
    const { generations, hooks, log, outlets, pidfile, upgrader } = this.#server
    generations.prepare({
      read: this.#parts.readAgain,
      after: async resolved => {
        await log.moveTo(resolved.parsed.errorlog)
        await outlets.use(resolved.parsed)
        pidfile.claim(pidfileOf(resolved, upgrader.oldArbiter !== undefined))
        await hooks.callOf(resolved.hooks, 'on_reload', this.#server.view(resolved))
      },
    })
  }

  /** The reload follows the start or reload under way; one with the newest files replaces all postponed ones. */
  postpone(before: Phase): void {
    const over = `this one is over, which has started over ${mostRestarts} times`
    const when = before.name === 'reloading' ? over : 'the first workers are ready'
    this.#server.log.info(`The reload follows when ${when}`)
  }

  rollOut(generation: Generation): void {
    this.#server.log.info(`Reload ${this.#count}: starting generation ${generation.number}`)
    this.#server.activate(generation)
    this.#server.reopenLogs()
  }

  abort(error: unknown, stack?: string): void {
    const reason = messageOf(error)
    const { generations, journal, log, outlets, pidfile } = this.#server
    this.#server.revert()
    pidfile.withdraw()
    if (generations.lastGood !== undefined) {
      const { parsed } = generations.lastGood.resolved
      log
        .moveTo(parsed.errorlog)
        .then(() => outlets.use(parsed))
        .catch((error: Error) => log.error(error.message))
    }
    this.#server.failure = `reload ${this.#count} failed: ${reason.split('\n')[0]}`
    const heading = `Reload ${this.#count} failed`
    const isShown = generations.show({ heading, message: stack ?? detailsOf(error) })
    const goesOn = `generation ${generations.lastGood?.number} keeps serving`
    log.error(
      `${heading}: ${isShown ? 'the server shows the error until a change loads' : goesOn}: ${reason}`,
    )
    journal.note({ type: 'reload failed', reload: this.#count, error: reason })
  }

  /** A generation failed while a newer one is being prepared: the newer one decides the reload. */
  supersede(reason: string): void {
    const { generations, log } = this.#server
    log.error(`Generation ${generations.current?.number} failed, the next one is on its way: ${reason}`)
    this.#server.revert()
  }

  finish(before: Phase): void {
    const { generations, journal, log, scale, pidfile } = this.#server
    generations.confirm()
    this.#server.failure = undefined
    pidfile.publish()
    const took = before.name === 'reloading' ? (monotonicNow() - before.since) / 1_000 : 0
    const generation = generations.current?.number ?? 0
    const fleet = `${count(scale.wanted, 'worker')}, ${took.toFixed(1)} s`
    log.info(`Reload ${this.#count}: generation ${generation} serves (${fleet})`)
    journal.note({ type: 'reload succeeded', reload: this.#count, generation, took })
    this.#sayUnchanged()
  }

  /** What the operator may believe to be in force, such as a token that was taken away. */
  #sayUnchanged(): void {
    const { resolved, log } = this.#server
    const names = changedForRestart(this.#parts.resolved, resolved)
    if (names.length > 0)
      log.warning(
        `Reload ${this.#count} has not changed ${names.join(', ')}: that takes a restart, or an upgrade by USR2`,
      )
  }
}

/** The message, with the stack of the user's code where that threw. */
function detailsOf(error: unknown): string {
  return error instanceof ConfigError ? error.report : messageOf(error)
}
