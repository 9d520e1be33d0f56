/** Stops the server, gracefully or quickly: postpones the stop during an upgrade, and runs the last hooks. */
import type { LogLevel } from '../../worker/protocol/messages.ts'
import { monotonicNow } from '../../worker/protocol/scoreboard.ts'
import type { Alarm } from './alarm.ts'
import type { ArbiterEvent, Inbox } from './inbox.ts'
import type { Server } from './server.ts'

/**
 * A second TERM within this time is the same stop, in milliseconds: `timeout` and some supervisors signal both the
 * arbiter and its process group.
 */
const echoMs = 1_000

/** How long the hooks may take at the end of a quick stop, in seconds. */
const quickSeconds = 2

export class Stops {
  readonly #server: Server
  #isQuick = false
  #putOffUntil: number | undefined
  #askedAt: number | undefined

  constructor(server: Server) {
    this.#server = server
  }

  /** When a postponed stop begins at the latest, in milliseconds of the monotonic clock. */
  get wakeAt(): number | undefined {
    return this.#putOffUntil
  }

  /** Whether a TERM only repeats the first one, and has no effect. */
  isEcho(): boolean {
    const now = monotonicNow()
    const isEcho = this.#askedAt !== undefined && now - this.#askedAt < echoMs
    this.#askedAt ??= now
    if (isEcho) this.#server.log.info(`TERM within ${echoMs / 1_000} s of the first one is the same stop`)
    return isEcho
  }

  /**
   * Postpones a stop until the new arbiter serves or has ended: if it failed after this arbiter left, queued
   * connections would never be answered. False if there is nothing to wait for, or on a second TERM.
   */
  putOff(): boolean {
    const { log, upgrader, resolved } = this.#server
    if (!upgrader.isUpgrading || this.#putOffUntil !== undefined) return false
    const { boot_timeout } = resolved.settings
    this.#putOffUntil = boot_timeout === 0 ? Infinity : monotonicNow() + boot_timeout * 1_000
    const which = upgrader.newArbiter === undefined ? '' : ` (pid ${upgrader.newArbiter})`
    log.info(`Stopping as soon as the new arbiter serves${which}: send TERM again to stop now`)
    return true
  }

  /** Whether a postponed stop is due; true only once. */
  takeUp(): boolean {
    if (this.#putOffUntil === undefined) return false
    if (this.#server.upgrader.isUpgrading && monotonicNow() < this.#putOffUntil) return false
    this.#putOffUntil = undefined
    return true
  }

  begin(): void {
    const { upgrader, resolved, fleet } = this.#server
    if (upgrader.successor !== undefined)
      return this.leave(`Stopping: the new arbiter goes on (pid ${upgrader.newArbiter})`)
    const { drain_delay: delay } = resolved.settings
    const first = delay === 0 ? '' : `serve on for ${delay} s, then `
    this.leave(`Stopping: the workers ${first}finish what they have`)
    fleet.tell({ type: 'announce' })
  }

  beginQuickly(): void {
    this.#isQuick = true
    this.leave('Stopping: the workers leave at once')
  }

  leave(message: string, level: LogLevel = 'info'): void {
    const { log, generations, journal } = this.#server
    this.#putOffUntil = undefined
    log.write(level, message)
    journal.note({ type: 'stopping', text: message })
    generations.cancel()
    generations.deactivate()
  }

  /** Calls `on_exit` and waits for it and the hooks before it, but not long, and not after another stop signal. */
  async end(inbox: Inbox<ArbiterEvent>, alarm: Alarm): Promise<void> {
    const { hooks, log, resolved } = this.#server
    const seconds = this.#isQuick ? quickSeconds : resolved.settings.hook_timeout
    const limit = seconds === 0 ? '' : `, ${seconds} s at most`
    if (hooks.running !== undefined) log.info(`Waiting for the hook ${hooks.running}${limit}`)
    hooks.tell('on_exit', this.#server.view())
    void hooks.idle().then(() => inbox.put({ type: 'hooks ended' }))
    const until = seconds === 0 ? Infinity : monotonicNow() + seconds * 1_000
    for (;;) {
      alarm.set(until)
      const event = await inbox.next()
      if (event.type === 'hooks ended') return
      if (this.#hastens(event) || monotonicNow() >= until)
        return log.warning('Leaving before all hooks have ended')
    }
  }

  #hastens(event: ArbiterEvent): boolean {
    if (event.type !== 'signal') return false
    return event.name === 'TERM' ? !this.isEcho() : event.name === 'INT' || event.name === 'QUIT'
  }
}
