/**
 * Reports the server's state to systemd. After every turn of the arbiter's loop, it compares the state with its last
 * report; if the loop is stuck, the reports stop, and systemd's watchdog ends the server.
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

  /** Reports what changed; returns when to call it again at the latest, in milliseconds of the monotonic clock. */
  tell(now: number): number | undefined {
    this.#tellMainPid()
    const before = this.#told
    this.#told = this.#server.phase
    if (this.#speaks) this.#tellPhase(before, this.#told)
    return this.#notifier.beat(now)
  }

  /** Of two arbiters on the same sockets, the new one reports as soon as it serves. */
  get #speaks(): boolean {
    const { upgrader, phase } = this.#server
    return (
      upgrader.newArbiter === undefined && (upgrader.oldArbiter === undefined || phase.name !== 'booting')
    )
  }

  /**
   * A serving new arbiter is the unit's main process: systemd keeps the unit, whatever ends this arbiter. When the new
   * arbiter is gone, this one is the main process again.
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
      // A new arbiter that is told to stop leaves the unit to the old arbiter.
      return this.#server.upgrader.oldArbiter === undefined ? notifier.stopping(status) : undefined
    }
    if (after.name === 'waiting' || after.name === 'booting') return notifier.status(status)
    // A reload that was postponed during the start begins in the same turn.
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
