/**
 * The addresses that the app listens on besides the operator's: workers report them, and the arbiter binds them for
 * all.
 */
import { type Address, describeAddress, parseBind } from '../../config/kinds/bind-address.ts'
import type { Resolved } from '../../config/resolve/resolve.ts'
import type { BindFrom } from '../../worker/protocol/messages.ts'
import type { AppAddresses } from '../sockets/inherited-fds.ts'

/** How many addresses an app may ask for after it was loaded. */
const mostLate = 16

export class AppBinds {
  #binds: readonly string[]
  #late: readonly string[]
  /** What each worker has asked for since the app was last in force, by its index. */
  readonly #asked = new Map<number, readonly string[]>()
  #isComplete = false
  /**
   * Addresses that cannot be bound, for example because another process has them: the app gets the error, and may
   * handle it.
   */
  #refused: readonly string[] = []

  constructor({ binds, late }: AppAddresses) {
    this.#binds = binds
    this.#late = late
  }

  /** A new arbiter starts with them. */
  get addresses(): AppAddresses {
    return { binds: this.#binds, late: this.#late }
  }

  get all(): readonly string[] {
    return [...this.#binds, ...this.#late]
  }

  /** Whether all of these are bound, or will be by the next generation. */
  hasAll(binds: readonly string[]): boolean {
    return binds.every(text => this.all.includes(text))
  }

  /** The addresses that the app has to bind itself. */
  get refused(): readonly string[] {
    return this.#refused
  }

  /** No more are bound: workers choose others each time that they start, and have these for themselves. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  /**
   * Notes the addresses that the worker of this index asks for; false if that changes nothing. An address that one
   * worker asks for and another does not is kept as late.
   */
  learn(binds: readonly string[], index: number): boolean {
    const wanted = binds.filter(text => this.#isNew(text))
    const earlier = this.#asked.get(index) ?? []
    const asked = new Set([...this.#asked.values()].flat())
    this.#asked.set(index, wanted)
    const before = this.#text
    const added = wanted.filter(text => !this.all.includes(text))
    const again = wanted.filter(text => earlier.includes(text))
    if (added.length > 0 && again.length > 0 && again.length < earlier.length) {
      this.#isComplete = true
      this.#late = this.#late.filter(text => wanted.includes(text))
      this.#binds = again.filter(text => !this.#late.includes(text))
      return true
    }
    const dropped = this.#binds.filter(text => !wanted.includes(text) && asked.has(text))
    const workersDiffer = dropped.length > 0 || this.#late.some(text => asked.has(text))
    this.#late = [...this.#late, ...dropped, ...(workersDiffer ? added : [])]
    this.#binds = wanted.filter(text => !this.#late.includes(text))
    return this.#text !== before
  }

  get #text(): string {
    return JSON.stringify(this.addresses)
  }

  /** Forgets what workers have asked for, but not what came of it: the app may have changed. */
  forgetAsked(): void {
    this.#asked.clear()
  }

  /**
   * Notes addresses that the app asked for after it was loaded; these are kept, since no worker says when one is no
   * longer wanted.
   */
  learnLate(binds: readonly string[]): boolean {
    const added = binds.filter(text => this.#isNew(text) && !this.all.includes(text))
    this.#late = [...this.#late, ...added].slice(0, mostLate)
    return added.some(text => this.#late.includes(text))
  }

  #isNew(text: string): boolean {
    return isAddress(text) && !this.#refused.includes(text)
  }

  /** Leaves an address to the app; false if the operator asked for it, or if no other address is left. */
  refuse(key: string, resolved: Resolved): boolean {
    const refused = this.all.filter(text => keyOf(text) === key)
    const isAll = refused.length === resolved.parsed.addresses.length
    // With only late addresses refused, the server has served without them before.
    if (refused.length === 0 || (isAll && !refused.every(text => this.#late.includes(text)))) return false
    this.#refused = [...this.#refused, ...refused]
    this.#binds = this.#binds.filter(text => !refused.includes(text))
    this.#late = this.#late.filter(text => !refused.includes(text))
    return true
  }

  /** Adds the addresses to the configuration: they replace the default, and join the operator's own. */
  addTo(resolved: Resolved): Resolved {
    const { parsed } = resolved
    const all = this.all.map(addressFrom)
    if (all.length === 0) return resolved
    const ports = new Set(all.map(portOf))
    const from = bindFrom(resolved)
    const asked = from === 'nobody' ? [] : parsed.addresses
    const kept = from === 'PORT' ? asked.filter(address => !ports.has(portOf(address))) : asked
    return { ...resolved, parsed: { ...parsed, addresses: [...kept, ...all] } }
  }

  /** Whether only the app asked for the listener of this key. */
  has(key: string): boolean {
    return this.all.some(text => keyOf(text) === key)
  }

  /** Whether the app asked for it after it was loaded, or not in every worker. */
  hasLate(key: string): boolean {
    return this.#late.some(text => keyOf(text) === key)
  }
}

function keyOf(text: string): string {
  return describeAddress(addressFrom(text))
}

/** Workers report absolute paths. */
function addressFrom(text: string): Address {
  return parseBind(text, '/')
}

export function bindFrom({ origins }: Resolved): BindFrom {
  if (origins.bind === 'default') return 'nobody'
  return origins.bind === 'PORT' ? 'PORT' : 'operator'
}

function portOf(address: Address): number | string {
  return address.kind === 'tcp' ? address.port : describeAddress(address)
}

function isAddress(text: string): boolean {
  try {
    return addressFrom(text).kind !== 'fd'
  } catch {
    return false
  }
}
