/** What operators ask for, by signals or on the control socket. It runs in the arbiter's loop. */
import { mostWorkers } from '../../config/kinds/kinds.ts'
import type { Controls } from '../control/controlled.ts'
import type { RecentLines } from '../logs/recent-lines.ts'
import { describeNoEffect, WindowChanges } from '../process/no-effect.ts'
import { reactionOf, type SignalName } from '../state/phase.ts'
import { scaleTo } from '../state/scale.ts'
import type { Reloads } from './reloads.ts'
import type { Server } from './server.ts'
import type { Stops } from './stops.ts'
import type { Upgrades } from './upgrades.ts'

export interface OperatorParts {
  readonly version: string
  readonly recentLines: RecentLines
  readonly reloads: Reloads
  readonly stops: Stops
  readonly upgrades: Upgrades
  readonly react: (trigger: SignalName) => void
}

export class Operator implements Controls {
  readonly server: Server
  readonly version: string
  readonly recentLines: RecentLines
  readonly #parts: OperatorParts
  readonly #windows = new WindowChanges()

  constructor(server: Server, parts: OperatorParts) {
    this.server = server
    this.version = parts.version
    this.recentLines = parts.recentLines
    this.#parts = parts
  }

  get reload(): number {
    return this.#parts.reloads.number
  }

  /** Handles a signal. */
  obey(name: SignalName): void {
    const { log } = this.server
    if (this.#windows.ignore(name, log) || (name === 'TERM' && this.#parts.stops.isEcho())) return
    log.info(`Handling signal: ${name.toLowerCase()}`)
    const warning = this.signal(name)
    if (warning !== undefined) log.warning(warning)
  }

  signal(name: SignalName): string | undefined {
    const { phase, scale } = this.server
    const { stops, upgrades, react } = this.#parts
    if (name === 'TERM' && stops.putOff()) return undefined
    if (reactionOf(phase, name) === undefined) return `${name} has no effect while ${phase.name}`
    if (name === 'USR2' && upgrades.refusal !== undefined) return upgrades.refusal
    react(name)
    return describeNoEffect(name, scale, this.server.scale, this.server.resolved)
  }

  scaleTo(wanted: number): string | undefined {
    const { phase, scale } = this.server
    if (reactionOf(phase, 'TTIN') === undefined)
      return `The number of workers cannot be changed while ${phase.name}`
    if (wanted > mostWorkers) return `At most ${mostWorkers} workers are possible`
    this.server.rescale(scaleTo(scale, wanted))
    return undefined
  }
}
