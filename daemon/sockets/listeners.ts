/** The arbiter's listeners: opened once per address, kept across reloads, closed when no generation needs them. */
import { closeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Address, describeAddress } from '../../config/kinds/bind-address.ts'
import type { LogLevel } from '../../worker/protocol/messages.ts'
import { activatedPrefix, type InheritedDescriptor } from './inherited-fds.ts'
import { isLost, restore } from './lost-socket.ts'
import { evict } from './orphans.ts'
import {
  type Bindable,
  type BindError,
  bind,
  hostOf,
  type Listener,
  sharedPort,
  takeOver,
} from './sockets.ts'

const tries = 5
const pauseMs = 1_000

export interface OpenOptions {
  /** For the files of unix sockets. */
  readonly umask: number
  /** Every worker binds its own TCP sockets. */
  readonly reusePort: boolean
  /** The user that workers run as, if it is another one. */
  readonly user: number | undefined
  /** An address in use is tried again. */
  readonly patient: boolean
  readonly signal: AbortSignal
}

export class Listeners {
  readonly #open = new Map<string, Listener>()
  readonly #report: (level: LogLevel, message: string) => void
  /** Descriptors that were open when the process started, and are not taken over yet. */
  readonly #inherited: Map<string, InheritedDescriptor>
  /** The listeners of the generation that is being prepared, until its outcome is known. */
  readonly #claimed = new Set<Listener>()

  constructor(inherited: readonly InheritedDescriptor[], report: (level: LogLevel, message: string) => void) {
    this.#inherited = new Map(inherited.map(descriptor => [descriptor.key, descriptor]))
    this.#report = report
  }

  /**
   * Returns the listeners for these addresses, in order. Open ones are reused, except for a unix socket whose file is
   * gone; sockets that systemd opened replace them all. An address in use is tried five times, a second apart, before
   * `BindError` is thrown; listeners opened until then are closed again. Until `release`, `keep` closes none of them.
   */
  async open(addresses: readonly Address[], options: OpenOptions): Promise<Listener[]> {
    this.release()
    const activated = this.#activated()
    if (activated.length > 0) return activated
    const fresh: Listener[] = []
    try {
      const listeners = new Map<string, Listener>()
      for (const address of addresses) {
        const key = describeAddress(address)
        if (listeners.has(key)) continue
        options.signal.throwIfAborted()
        const known = this.#known(address, key)
        const listener = known ?? (await this.#persist(address as Bindable, options))
        this.#claimed.add(listener)
        if (known === undefined) fresh.push(listener)
        else if (address.kind === 'unix') await this.#restore(known, address, options)
        listeners.set(key, listener)
      }
      options.signal.throwIfAborted()
      for (const listener of fresh) this.#open.set(listener.key, listener)
      return [...listeners.values()]
    } catch (error) {
      for (const listener of fresh) listener.close()
      this.release()
      throw error
    }
  }

  #activated(): Listener[] {
    const keys = [...this.#inherited.keys(), ...this.#open.keys()].filter(key =>
      key.startsWith(activatedPrefix),
    )
    return keys.map(key => this.#takeOver(key) as Listener)
  }

  #known(address: Address, key: string): Listener | undefined {
    if (address.kind === 'fd' && !this.#inherited.has(key) && !this.#open.has(key)) {
      this.#inherited.set(key, { fd: address.fd, key })
    }
    return this.#takeOver(key)
  }

  #takeOver(key: string): Listener | undefined {
    const inherited = this.#inherited.get(key)
    if (inherited !== undefined) {
      this.#inherited.delete(key)
      this.#open.set(key, takeOver(inherited))
    }
    return this.#open.get(key)
  }

  /**
   * Binds a unix socket again whose file is gone; if its name is taken by a file that is not ours to remove, it stays
   * as it is.
   */
  async #restore(
    listener: Listener,
    address: Bindable & { kind: 'unix' },
    options: OpenOptions,
  ): Promise<void> {
    try {
      if (isLost(listener)) await restore(listener, address, options.umask)
    } catch (error) {
      this.#report('error', `The file of ${listener.name} is gone: ${(error as Error).message}`)
    }
  }

  async #persist(address: Bindable, options: OpenOptions): Promise<Listener> {
    const { umask, reusePort, patient, signal } = options
    if (reusePort && address.kind === 'tcp') {
      // The bind would succeed even beside a stuck worker, which would keep getting its share of the connections.
      await this.#evict(address, options)
      return sharedPort(address)
    }
    for (let attempt = 1, mayEvict = true; ; attempt += 1) {
      try {
        return await bind(address, { umask })
      } catch (error) {
        const { code, message } = error as BindError
        if (code !== 'EADDRINUSE') throw error
        if (mayEvict && (await this.#evict(address, options))) {
          mayEvict = false
          attempt -= 1
          continue
        }
        if (attempt === tries || !patient) throw error
        this.#report('error', `${message} (try ${attempt} of ${tries}, the next in 1 second)`)
        await sleep(pauseMs, undefined, { signal })
      }
    }
  }

  async #evict(address: Bindable, { user, signal }: OpenOptions): Promise<boolean> {
    const place = address.kind === 'unix' ? address : { ...address, host: await hostOf(address) }
    return await evict(place, describeAddress(address), { user, signal, report: this.#report })
  }

  /** Whether it belongs to a generation that is still being prepared. */
  isClaimed(listener: Listener): boolean {
    return this.#claimed.has(listener)
  }

  release(): void {
    this.#claimed.clear()
  }

  /** Closes all that are not in `needed`; those that were given to this process are closed only when it ends. */
  keep(needed: ReadonlySet<Listener>, isEnding: boolean): void {
    for (const listener of this.#open.values()) {
      const isNeeded = needed.has(listener) || this.#claimed.has(listener) || listener.given
      if (isNeeded && !isEnding) continue
      this.#open.delete(listener.key)
      listener.close()
    }
    for (const { fd, key } of this.#inherited.values()) {
      // A descriptor that only `LISTEN_FDS` claims may be one of Node's own.
      if (!key.startsWith(activatedPrefix)) closeSync(fd)
    }
    this.#inherited.clear()
  }
}
