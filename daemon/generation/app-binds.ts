/** Where the app listens besides what its operator has said: its workers find out, and the arbiter binds it for all of them. */
import { parseBind } from '../../config/resolve/bind.ts'
import type { Resolved } from '../../config/resolve/resolve.ts'
import type { BindFrom } from '../../worker/protocol/messages.ts'
import type { AppAddresses } from '../sockets/inherited-fds.ts'
import { describeAddress } from '../sockets/sockets.ts'

/** How many addresses an app may come to want when it is loaded. */
const mostLate = 16

export class AppBinds {
  #binds: readonly string[]
  #late: readonly string[]
  /** What a worker has not asked for, although it was bound. */
  readonly #unused = new Set<string>()
  /** What cannot be bound, because somebody else has it, for example: the app is to hear of that, and may know what to do. */
  #refused: readonly string[] = []

  constructor({ binds, late }: AppAddresses) {
    this.#binds = binds
    this.#late = late
  }

  /** A new arbiter begins with them. */
  get addresses(): AppAddresses {
    return { binds: this.#binds, late: this.#late }
  }

  get all(): readonly string[] {
    return [...this.#binds, ...this.#late]
  }

  /** What the app has to bind itself. */
  get refused(): readonly string[] {
    return this.#refused
  }

  /**
   * What one worker listens on besides; false where nothing is new. What another one asks for that this one has not asked for is
   * there for some workers only.
   */
  learn(binds: readonly string[]): boolean {
    const before = this.#binds
    const wanted = binds.filter(text => this.#isNew(text) && !this.#late.includes(text))
    const back = wanted.filter(text => this.#unused.has(text))
    this.#late = [...this.#late, ...back]
    this.#binds = wanted.filter(text => !back.includes(text))
    for (const text of before) if (!wanted.includes(text)) this.#unused.add(text)
    return back.length > 0 || this.#binds.join() !== before.join()
  }

  /** The app is another one, and may have moved. */
  forgetUnused(): void {
    this.#unused.clear()
  }

  /** The same of what the app listens on when it is loaded; that is never forgotten, for no worker says when it is over. */
  learnLate(binds: readonly string[]): boolean {
    const added = binds.filter(text => this.#isNew(text) && !this.all.includes(text))
    this.#late = [...this.#late, ...added].slice(0, mostLate)
    return added.some(text => this.#late.includes(text))
  }

  #isNew(text: string): boolean {
    return isAddress(text) && !this.#refused.includes(text)
  }

  /** Leaves an address to the app; false where somebody else has asked for it, or nothing else is left. */
  refuse(key: string, resolved: Resolved): boolean {
    const refused = this.all.filter(text => keyOf(text, resolved) === key)
    const isAll = refused.length === resolved.settings.bind.length
    // Without what is late, the server has served already.
    if (refused.length === 0 || (isAll && !refused.every(text => this.#late.includes(text)))) return false
    this.#refused = [...this.#refused, ...refused]
    this.#binds = this.#binds.filter(text => !refused.includes(text))
    this.#late = this.#late.filter(text => !refused.includes(text))
    return true
  }

  /** The configuration with these addresses: in the place of the default, and beside what somebody asked for. */
  addTo(resolved: Resolved): Resolved {
    const { settings } = resolved
    const all = this.all
    if (all.length === 0) return resolved
    const ports = new Set(all.map(portOf))
    const from = bindFrom(resolved)
    const asked = from === 'nobody' ? [] : settings.bind
    const kept = from === 'PORT' ? asked.filter(text => !ports.has(portOf(text))) : asked
    return { ...resolved, settings: { ...settings, bind: [...kept, ...all] } }
  }

  /** Whether nobody but the app has asked for the listener of this key. */
  has(key: string, { settings }: Pick<Resolved, 'settings'>): boolean {
    return this.all.some(text => keyOf(text, { settings }) === key)
  }

  /** And that not in every worker, or only when it was loaded. */
  hasLate(key: string, { settings }: Pick<Resolved, 'settings'>): boolean {
    return this.#late.some(text => keyOf(text, { settings }) === key)
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
