/** Where the app listens besides what its operator has said: its workers find out, and the arbiter binds it for all of them. */
import { parseBind } from '../config/bind.ts'
import type { Resolved } from '../config/resolve.ts'
import type { BindFrom } from '../worker/protocol.ts'
import { describeAddress } from './sockets.ts'

export class AppBinds {
  #binds: readonly string[]
  /** What cannot be bound, because somebody else has it, for example: the app is to hear of that, and may know what to do. */
  #refused: readonly string[] = []

  constructor(binds: readonly string[]) {
    this.#binds = binds
  }

  /** In the form of `bind`; an heir begins with them. */
  get all(): readonly string[] {
    return this.#binds
  }

  /** What the app has to bind itself. */
  get refused(): readonly string[] {
    return this.#refused
  }

  /** False where nothing is new. */
  learn(binds: readonly string[]): boolean {
    const before = this.#binds.join()
    this.#binds = binds.filter(text => isAddress(text) && !this.#refused.includes(text))
    return this.#binds.join() !== before
  }

  /** Leaves an address to the app; false where somebody else has asked for it, or nothing else is left. */
  refuse(key: string, resolved: Resolved): boolean {
    const refused = this.#binds.filter(text => keyOf(text, resolved) === key)
    if (refused.length === 0 || refused.length === resolved.settings.bind.length) return false
    this.#refused = [...this.#refused, ...refused]
    this.#binds = this.#binds.filter(text => !refused.includes(text))
    return true
  }

  /** The configuration with these addresses: in the place of the default, and beside what somebody asked for. */
  addTo(resolved: Resolved): Resolved {
    const { settings } = resolved
    if (this.#binds.length === 0) return resolved
    const ports = new Set(this.#binds.map(portOf))
    const from = bindFrom(resolved)
    const asked = from === 'nobody' ? [] : settings.bind
    const kept = from === 'PORT' ? asked.filter(text => !ports.has(portOf(text))) : asked
    return { ...resolved, settings: { ...settings, bind: [...kept, ...this.#binds] } }
  }

  /** Whether nobody but the app has asked for the listener of this key. */
  has(key: string, { settings }: Pick<Resolved, 'settings'>): boolean {
    return this.#binds.some(text => keyOf(text, { settings }) === key)
  }
}

function keyOf(text: string, { settings }: Pick<Resolved, 'settings'>): string {
  return describeAddress(parseBind(text, settings.chdir))
}

export function bindFrom({ origins }: Resolved): BindFrom {
  if (origins.bind === 'default') return 'nobody'
  return origins.bind === 'PORT' ? 'PORT' : 'operator'
}

function portOf(text: string): number | string {
  const address = parseBind(text, '/')
  return address.kind === 'tcp' ? address.port : text
}

function isAddress(text: string): boolean {
  try {
    return parseBind(text, '/').kind !== 'fd'
  } catch {
    return false
  }
}
