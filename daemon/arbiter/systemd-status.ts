/**
 * What systemd hears about the server. After every turn of the arbiter's loop the herald compares what is with what it
 * told last; so a loop that is stuck falls silent, and the watchdog of systemd ends it.
 */
import type { Notifier } from '../process/sd-notify.ts'
import type { Phase } from '../state/phase.ts'
import { statusOf } from '../state/status-line.ts'
import type { Server } from './server.ts'

export class SystemdStatus {
  readonly #server: Server
  readonly #notifier: Notifier
  #told: Phase
  #mainPid = process.pid

  constructor(server: Server, notifier: Notifier) {
    this.#server = server
    this.#notifier = notifier
    this.#told = server.phase
  }

  /** Tells what is new; returns when it has to be called next at the latest, in milliseconds of the monotonic clock. */
  tell(now: number): number | undefined {
    this.#tellMainPid()
    const before = this.#told
    this.#told = this.#server.phase
    if (this.#speaks) this.#tellPhase(before, this.#told)
    return this.#notifier.beat(now)
  }

  /** Of two arbiters that serve the same sockets the newer one speaks, as soon as it serves. */
  get #speaks(): boolean {
    const { upgrader, phase } = this.#server
    return (
      upgrader.newArbiter === undefined && (upgrader.oldArbiter === undefined || phase.name !== 'booting')
    )
  }

  /**
   * A new arbiter that serves is the main process of the unit: whatever ends this arbiter then, systemd keeps the unit. And it
   * is this one again as soon as the new arbiter is gone.
   */
  #tellMainPid(): void {
    const mainPid = this.#server.upgrader.successor ?? process.pid
    if (mainPid !== this.#mainPid) this.#notifier.mainPid(mainPid)
    this.#mainPid = mainPid
  }

  #tellPhase(before: Phase, after: Phase): void {
    const notifier = this.#notifier
    const status = this.#status()
    if (before === after) return notifier.status(status)
    if (after.name === 'stopping') {
      // A new arbiter that is sent away leaves the unit to the arbiter before it.
      return this.#server.upgrader.oldArbiter === undefined ? notifier.stopping(status) : undefined
    }
    if (after.name === 'waiting' || after.name === 'booting') return notifier.status(status)
    // A reload that waited for the start follows it within the same turn.
    if (before.name === 'booting' || after.name === 'running') notifier.ready(status)
    if (after.name === 'reloading') notifier.reloading(status)
  }

  #status(): string {
    const { phase, scale, fleet, generations, failure } = this.#server
    return statusOf({
      phase,
      wanted: scale.wanted,
      ready: fleet.workers.filter(({ state }) => state === 'ready').length,
      living: fleet.workers.length,
      generation: generations.lastGood?.number ?? 0,
      failure,
    })
  }
}
