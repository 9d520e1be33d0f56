/** The listeners that the arbiter holds: opened once per address, kept across reloads, closed when nobody needs them. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Address } from '../config/bind.ts'
import { type BindError, bind, describeAddress, type Listener } from './sockets.ts'

const tries = 5
const pauseMs = 1_000

export class Listeners {
  readonly #open = new Map<string, Listener>()
  readonly #report: (message: string) => void

  constructor(report: (message: string) => void) {
    this.#report = report
  }

  /**
   * The listeners for these addresses, in their order; what is open already is taken as it is. An address that cannot
   * be bound is tried five times, a second apart, before `BindError` is thrown; what was opened meanwhile is closed.
   */
  async open(
    addresses: readonly Address[],
    options: { umask: number; signal: AbortSignal },
  ): Promise<Listener[]> {
    const fresh: Listener[] = []
    try {
      const listeners = new Map<string, Listener>()
      for (const address of addresses) {
        const key = describeAddress(address)
        if (listeners.has(key)) continue
        const known = this.#open.get(key)
        const listener = known ?? (await this.#persist(address, options))
        if (known === undefined) fresh.push(listener)
        listeners.set(key, listener)
      }
      for (const listener of fresh) this.#open.set(listener.key, listener)
      return [...listeners.values()]
    } catch (error) {
      for (const listener of fresh) listener.close()
      throw error
    }
  }

  async #persist(
    address: Address,
    { umask, signal }: { umask: number; signal: AbortSignal },
  ): Promise<Listener> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await bind(address, { umask })
      } catch (error) {
        if (attempt === tries || (error as BindError).code !== 'EADDRINUSE') throw error
        this.#report(`${(error as BindError).message} (try ${attempt} of ${tries}, the next in 1 second)`)
        await sleep(pauseMs, undefined, { signal })
      }
    }
  }

  /** Closes all that are not in `needed`. */
  keep(needed: ReadonlySet<Listener>): void {
    for (const listener of this.#open.values()) {
      if (needed.has(listener)) continue
      this.#open.delete(listener.key)
      listener.close()
    }
  }
}
