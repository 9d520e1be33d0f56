/** The listeners that the arbiter holds: opened once per address, kept across reloads, closed when nobody needs them. */
import { closeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Address } from '../../config/resolve/bind.ts'
import type { LogLevel } from '../../worker/protocol/messages.ts'
import { activatedPrefix, type InheritedDescriptor } from './inherited-fds.ts'
import { isLost, restore } from './lost-socket.ts'
import { evict } from './orphans.ts'
import {
  type Bindable,
  type BindError,
  bind,
  describeAddress,
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
  /** Every worker binds TCP sockets of its own. */
  readonly reusePort: boolean
  /** Who workers run as, where that is another user. */
  readonly user: number | undefined
  /** An address that somebody else has is tried again. */
  readonly patient: boolean
  readonly signal: AbortSignal
}

export class Listeners {
  readonly #open = new Map<string, Listener>()
  readonly #report: (level: LogLevel, message: string) => void
  /** What was open when the process started and is not taken over yet. */
  readonly #inherited: Map<string, InheritedDescriptor>
  /** Those that were opened last, as long as it is open what becomes of them. */
  readonly #claimed = new Set<Listener>()

  constructor(inherited: readonly InheritedDescriptor[], report: (level: LogLevel, message: string) => void) {
    this.#inherited = new Map(inherited.map(descriptor => [descriptor.key, descriptor]))
    this.#report = report
  }

  /**
   * The listeners for these addresses, in their order; what is open already is taken as it is, but for a unix socket
   * whose file is gone. Sockets that systemd opened take the place of them all. An address that cannot be bound is
   * tried five times, a second apart, before `BindError` is thrown; what was opened meanwhile is closed. Until `release`,
   * `keep` closes none of them.
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
        const known = this.#known(address, key)
        const listener = known ?? (await this.#persist(address as Bindable, options))
        this.#claimed.add(listener)
        if (known === undefined) fresh.push(listener)
        else if (address.kind === 'unix') await this.#restore(known, address, options)
        listeners.set(key, listener)
      }
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

  /** Somebody may have put there what is not ours to remove: then those who have the socket go on with it. */
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
      // It can be bound although somebody who does not accept listens there, and gets his share of the connections.
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

  /** Whether they were opened for a generation that is still being prepared. */
  isClaimed(listener: Listener): boolean {
    return this.#claimed.has(listener)
  }

  release(): void {
    this.#claimed.clear()
  }

  /** Closes all that are not in `needed`; those that were given to this process only when it ends. */
  keep(needed: ReadonlySet<Listener>, isEnding: boolean): void {
    for (const listener of this.#open.values()) {
      const isNeeded = needed.has(listener) || this.#claimed.has(listener) || listener.given
      if (isNeeded && !isEnding) continue
      this.#open.delete(listener.key)
      listener.close()
    }
    for (const { fd, key } of this.#inherited.values()) {
      // What somebody else only claims to have opened may be a descriptor of Node's own.
      if (!key.startsWith(activatedPrefix)) closeSync(fd)
    }
    this.#inherited.clear()
  }
}
