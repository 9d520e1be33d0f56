/**
 * The generations: the one in force, the one that is replacing it, and the one that is being prepared.
 *
 * Preparing takes time (it reads files, binds sockets, calls a hook) and runs beside the arbiter's loop; it ends with
 * `prepared` or `prepare failed` in the inbox.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Resolved } from '../../config/resolve/resolve.ts'
import type { ErrorPage, TlsMaterial } from '../../worker/protocol/messages.ts'
import { tryAccessLog } from '../logs/access-log.ts'
import { giveSocket } from '../process/ownership.ts'
import type { Listeners } from '../sockets/listeners.ts'
import { startListening } from '../sockets/listening.ts'
import { BindError, type Listener } from '../sockets/sockets.ts'
import { type AppBinds, bindFrom } from './app-binds.ts'
import { type Forks, type Generation, pageGeneration } from './generation.ts'
import { readTls } from './tls-files.ts'

export type GenerationsEvent =
  | { readonly type: 'prepared'; readonly generation: Generation }
  | { readonly type: 'prepare failed'; readonly error: unknown }

/** The steps that make a generation, in order; once the signal is aborted, no further step begins. */
export interface Preparation {
  read(signal: AbortSignal): Promise<Resolved>
  /** Runs before the sockets are bound. */
  before?(resolved: Resolved): Promise<void>
  /** Runs after all sockets are bound. */
  after?(resolved: Resolved): Promise<void>
}

/** Loads the app once, in a process of its own, which may stay to fork others; resolves with the reason if that fails. */
export type Preload = (resolved: Resolved, signal: AbortSignal) => Promise<Forks | string | undefined>

/** With `preload_app`, the app does not load. */
export class NotLoaded extends Error {}

export class Generations {
  #current: Generation | undefined
  #lastGood: Generation | undefined
  #standIn: Generation | undefined
  readonly #put: (event: GenerationsEvent) => void
  readonly #listeners: Listeners
  readonly appBinds: AppBinds
  readonly #preload: Preload
  #count = 0
  /** By the numbers of their generations. */
  readonly #forks = new Map<number, Forks>()
  #preparing: AbortController | undefined
  #again: Preparation | undefined

  constructor(
    put: (event: GenerationsEvent) => void,
    listeners: Listeners,
    appBinds: AppBinds,
    preload: Preload,
  ) {
    this.#put = put
    this.#listeners = listeners
    this.appBinds = appBinds
    this.#preload = preload
  }

  /** The generation that all workers should be of; undefined while there is none to start workers of. */
  get current(): Generation | undefined {
    return this.#current
  }

  /** The last one of which all workers were ready. */
  get lastGood(): Generation | undefined {
    return this.#lastGood
  }

  /** The generation that workers are planned of: while no newer one is on trial, what stands in for the current one. */
  get planned(): Generation | undefined {
    const isOnTrial = this.#current !== undefined && this.#current !== this.#lastGood
    return isOnTrial ? this.#current : (this.#standIn ?? this.#current)
  }

  /**
   * With `reload`, shows an error at the addresses of the newest generation until all workers of another one are ready;
   * false where that is not possible.
   */
  show(page: ErrorPage): boolean {
    const base = this.#current ?? this.#lastGood ?? this.#standIn
    if (base?.resolved.settings.reload !== true || base.listeners.length === 0) return false
    this.#count += 1
    this.#standIn = pageGeneration(base, this.#count, page)
    return true
  }

  /** Shows the error no longer. */
  hide(): void {
    this.#standIn = undefined
  }

  /** All workers should be of this one from now on. */
  activate(generation: Generation): void {
    this.#current = generation
  }

  /** All workers of the current one are ready: it is what a failed reload goes back to. */
  confirm(): void {
    this.#lastGood = this.#current
    this.#standIn = undefined
  }

  /** No workers should be started any more. */
  deactivate(): void {
    this.#current = undefined
  }

  /** The certificate of a generation was renewed. */
  renew(number: number, tls: TlsMaterial): void {
    for (const one of [this.#current, this.#lastGood, this.#standIn])
      if (one?.number === number) one.tls = tls
  }

  get isPreparing(): boolean {
    return this.#preparing !== undefined
  }

  /** The number of the newest generation, even if it failed. */
  get newest(): number {
    return this.#count
  }

  /** Prepares the next generation; a preparation under way is aborted first, and this one follows. */
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
      error => this.#put({ type: 'prepare failed', error }),
    )
  }

  async #make(preparation: Preparation, delayMs: number, signal: AbortSignal): Promise<Generation> {
    if (delayMs > 0) await sleep(delayMs, undefined, { signal })
    const asked = await preparation.read(signal)
    signal.throwIfAborted()
    await preparation.before?.(asked)
    signal.throwIfAborted()
    await tryAccessLog(asked.parsed.accesslog, asked.owner !== undefined)
    const tls = await readTls(asked)
    signal.throwIfAborted()
    const { resolved, listeners, failure } = await this.#bind(asked, signal)
    for (const listener of listeners) if (resolved.owner !== undefined) giveSocket(listener, resolved.owner)
    signal.throwIfAborted()
    await preparation.after?.(resolved)
    signal.throwIfAborted()
    const preloaded = resolved.settings.preload_app ? await this.#preload(resolved, signal) : undefined
    if (typeof preloaded === 'object' && signal.aborted) preloaded.close()
    signal.throwIfAborted()
    if (typeof preloaded === 'string') throw new NotLoaded(preloaded)
    this.#count += 1
    if (preloaded !== undefined) this.#forks.set(this.#count, preloaded)
    const { appBinds } = this
    const ofApp = new Set(listeners.filter(({ key }) => appBinds.has(key)))
    const late = new Set(listeners.filter(({ key }) => appBinds.hasLate(key)))
    const { refused: unbound, isComplete } = appBinds
    return {
      ...{ number: this.#count, resolved, listeners, ofApp, late, unbound, isComplete },
      ...(failure === undefined ? {} : { failure }),
      ...(tls === undefined ? {} : { tls }),
      ...(preloaded === undefined ? {} : { forks: preloaded }),
    }
  }

  async #bind(
    asked: Resolved,
    signal: AbortSignal,
  ): Promise<Pick<Generation, 'resolved' | 'listeners' | 'failure'>> {
    const resolved = this.appBinds.addTo(asked)
    const { addresses } = resolved.parsed
    const { umask, reuse_port: reusePort } = resolved.settings
    const { worker_class, backlog } = resolved.settings
    const isProgram = worker_class === 'exec'
    // Only the app knows whether it needs the default address at all.
    const isDefault =
      resolved === asked && bindFrom(asked) === 'nobody' && asked.owner === undefined && !isProgram
    const options = { umask, reusePort, user: resolved.owner?.uid, patient: !isDefault, signal }
    try {
      const listeners = await this.#listeners.open(addresses, options)
      if (isProgram) await startListening(listeners, backlog)
      return { resolved, listeners }
    } catch (error) {
      if (!(error instanceof BindError)) throw error
      if (this.appBinds.refuse(error.key, resolved)) return await this.#bind(asked, signal)
      if (isDefault) return { resolved, listeners: [], failure: error.message }
      throw error
    }
  }

  /** Call it when a preparation has ended; false if its outcome is already out of date. */
  finishPreparing(): boolean {
    const again = this.#again
    this.#preparing = undefined
    this.#again = undefined
    this.#listeners.release()
    if (again !== undefined) this.prepare(again)
    return again === undefined
  }

  /** Fails the preparation under way for this reason. */
  fail(error: unknown): void {
    this.#preparing?.abort(error)
  }

  /** Cancels the preparation under way, and the next one: nobody will accept what is queued on its listeners. */
  cancel(): void {
    this.#again = undefined
    this.#preparing?.abort()
    this.#listeners.release()
  }

  /** Closes the listeners that belong neither to these generations nor to the one being prepared. */
  keepListeners(generations: Iterable<Generation>): void {
    this.#listeners.keep(new Set([...generations].flatMap(({ listeners }) => listeners)), false)
  }

  /** Whether the generation being prepared has this listener. */
  isClaimed(listener: Listener): boolean {
    return this.#listeners.isClaimed(listener)
  }

  /** Has fork servers leave but those of these generations, and of those that workers may be started of; or all. */
  keepForks(numbers?: Iterable<number>): void {
    if (numbers && this.isPreparing) return
    const kept = new Set(numbers && [...numbers, this.#current?.number, this.#lastGood?.number])
    for (const [number, forks] of this.#forks) {
      if (kept.has(number)) continue
      forks.close()
      this.#forks.delete(number)
    }
  }

  /** Closes all listeners for good. */
  closeListeners(): void {
    this.#listeners.keep(new Set(), true)
  }
}
