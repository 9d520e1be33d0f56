/**
 * The generations: the one in force, the one on its way, and the one that is being prepared.
 *
 * Preparing takes its time (it reads files, binds sockets, calls a hook) and happens beside the loop of the arbiter; it
 * ends with `prepared` or `unprepared` in the inbox.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseBind } from '../config/bind.ts'
import type { Resolved } from '../config/resolve.ts'
import { tryAccessLog } from './access-log.ts'
import { type AppBinds, bindFrom } from './app-binds.ts'
import { readTls } from './certificate.ts'
import { accessLogOf, type Generation } from './generation.ts'
import type { Listeners } from './listeners.ts'
import { giveSocket } from './owner.ts'
import { BindError } from './sockets.ts'

/** How often an address is tried that somebody else has. */
const bindTries = 5

export type SuccessionEvent =
  | { readonly type: 'prepared'; readonly generation: Generation }
  | { readonly type: 'unprepared'; readonly error: unknown }

/** What makes a generation, in this order; nothing more is begun once the signal is aborted. */
export interface Preparation {
  read(signal: AbortSignal): Promise<Resolved>
  /** Before the sockets are bound. */
  before?(resolved: Resolved): Promise<void>
  /** When all sockets are bound. */
  after?(resolved: Resolved): Promise<void>
}

export class Succession {
  /** The generation that all workers should be of. */
  current: Generation | undefined
  /** The last one that all of them were of. */
  good: Generation | undefined
  readonly #put: (event: SuccessionEvent) => void
  readonly #listeners: Listeners
  readonly appBinds: AppBinds
  #count = 0
  #preparing: AbortController | undefined
  #again: Preparation | undefined

  constructor(put: (event: SuccessionEvent) => void, listeners: Listeners, appBinds: AppBinds) {
    this.#put = put
    this.#listeners = listeners
    this.appBinds = appBinds
  }

  get isPreparing(): boolean {
    return this.#preparing !== undefined
  }

  /** The number of the newest generation, whatever became of it. */
  get newest(): number {
    return this.#count
  }

  /** Prepares the next generation; a preparation under way ends where it is, and this one follows it. */
  prepare(preparation: Preparation, delayMs = 0): void {
    if (this.#preparing !== undefined) {
      this.#again = preparation
      this.#preparing.abort()
      return
    }
    const controller = new AbortController()
    this.#preparing = controller
    this.#make(preparation, delayMs, controller.signal).then(
      generation => this.#put({ type: 'prepared', generation }),
      error => this.#put({ type: 'unprepared', error }),
    )
  }

  async #make(preparation: Preparation, delayMs: number, signal: AbortSignal): Promise<Generation> {
    if (delayMs > 0) await sleep(delayMs, undefined, { signal })
    const asked = await preparation.read(signal)
    signal.throwIfAborted()
    await preparation.before?.(asked)
    signal.throwIfAborted()
    await tryAccessLog(accessLogOf(asked), asked.owner !== undefined)
    const tls = await readTls(asked)
    signal.throwIfAborted()
    const { resolved, listeners } = await this.#bind(asked, signal)
    for (const listener of listeners) if (resolved.owner !== undefined) giveSocket(listener, resolved.owner)
    signal.throwIfAborted()
    await preparation.after?.(resolved)
    signal.throwIfAborted()
    this.#count += 1
    const { appBinds } = this
    const ofApp = new Set(listeners.filter(({ key }) => appBinds.has(key, resolved)))
    const unbound = appBinds.refused
    return { number: this.#count, resolved, listeners, ofApp, unbound, ...(tls === undefined ? {} : { tls }) }
  }

  async #bind(asked: Resolved, signal: AbortSignal): Promise<Pick<Generation, 'resolved' | 'listeners'>> {
    const resolved = this.appBinds.addTo(asked)
    const { bind, chdir, umask, reuse_port: reusePort } = resolved.settings
    const addresses = bind.map(text => parseBind(text, chdir))
    const user = resolved.owner?.uid
    const tries = this.#isDefault(asked) ? 1 : bindTries
    try {
      const listeners = await this.#listeners.open(addresses, { umask, reusePort, user, tries, signal })
      return { resolved, listeners }
    } catch (error) {
      // The app may well listen somewhere else; a worker whose app does not says so.
      if (error instanceof BindError && error.code === 'EADDRINUSE' && this.#isDefault(asked)) {
        return { resolved, listeners: [] }
      }
      if (error instanceof BindError && this.appBinds.refuse(error.key, resolved))
        return this.#bind(asked, signal)
      throw error
    }
  }

  /** Nobody has said where to listen, and the app may not have been asked. */
  #isDefault(asked: Resolved): boolean {
    return bindFrom(asked) === 'nobody' && this.appBinds.all.length === 0 && asked.owner === undefined
  }

  /** To be called when a preparation has ended; false when its outcome is out of date already. */
  conclude(): boolean {
    const again = this.#again
    this.#preparing = undefined
    this.#again = undefined
    if (again !== undefined) this.prepare(again)
    return again === undefined
  }

  /** The preparation under way fails for this reason. */
  fail(error: unknown): void {
    this.#preparing?.abort(error)
  }

  /** No preparation is wanted any more. */
  cancel(): void {
    this.#again = undefined
    this.#preparing?.abort()
  }

  /** Closes the listeners that none of these generations has; at the end, those of others as well. */
  keepListeners(generations: Iterable<Generation>, isEnding = false): void {
    if (this.isPreparing) return
    this.#listeners.keep(new Set([...generations].flatMap(({ listeners }) => listeners)), isEnding)
  }
}
