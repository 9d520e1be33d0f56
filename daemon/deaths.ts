/** The ends of workers: what each of them means for the server. */
import type { Resolved } from '../config/resolve.ts'
import { exitCodes } from '../worker/exit.ts'
import type { Child } from './child.ts'
import type { Happening } from './phase.ts'
import type { Reloads } from './reloads.ts'
import type { Server } from './server.ts'

/** What the arbiter has to react to. */
export interface Consequence {
  readonly happening: Extract<Happening, 'died young' | 'boot failed'>
  readonly error: Error
}

/** How often, and after how many milliseconds, an address is bound anew that a worker found taken. */
const bindTries = 5
const bindPauseMs = 1_000

export class Deaths {
  /** What the arbiter exits with if it gives up now. */
  exitCode: number = exitCodes.failed.code
  readonly #server: Server
  readonly #reloads: Reloads
  readonly #first: Resolved
  #bindTries = 1

  /** `first` is the configuration of the first generation. */
  constructor(server: Server, reloads: Reloads, first: Resolved) {
    this.#server = server
    this.#reloads = reloads
    this.#first = first
  }

  /** Takes a worker that ended off the books. */
  bury(child: Child): Consequence | undefined {
    const { fleet, succession, phase, log, crashLoop } = this.#server
    const { isOn: loops } = crashLoop
    const { current, good } = succession
    const isProven = child.generation === good?.number
    const { death, served, text } = fleet.bury(child, { proven: isProven, quietly: loops })
    const message = child.failure?.message ?? text
    // Only a reload has something to go back to.
    const isEarly = death === 'unproven' && phase.name !== 'reloading'
    if (death === 'sudden' || (isEarly && served > 0)) {
      crashLoop.pace(child.born)
      return undefined
    }
    if (death === 'young' || isEarly) {
      if (child.failure !== undefined && !loops) log.error(message)
      return { happening: 'died young', error: new Error(message.split('\n')[0]) }
    }
    if (child.generation !== current?.number || death === 'expected') return undefined
    if (death === 'unbound' && phase.name === 'booting') return this.#bindAnew(message)
    return this.#failBoot(child, message)
  }

  #failBoot(child: Child, message: string): Consequence | undefined {
    const { appFailedToLoad, workerFailedToBoot, failed } = exitCodes
    const { phase, succession } = this.#server
    if (phase.name === 'reloading' && succession.isPreparing) {
      this.#reloads.supersede(message)
      return undefined
    }
    const codes = { app: appFailedToLoad, boot: workerFailedToBoot, bind: failed, log: failed }
    this.exitCode = codes[child.failure?.why ?? 'boot'].code
    return { happening: 'boot failed', error: new Error(message) }
  }

  /** Another server began to listen between our binding and our first worker's listening. */
  #bindAnew(message: string): Consequence | undefined {
    const { log, succession } = this.#server
    this.#bindTries += 1
    if (this.#bindTries > bindTries) return { happening: 'boot failed', error: new Error(message) }
    log.error(`${message} (try ${this.#bindTries - 1} of ${bindTries}, the next in 1 second)`)
    succession.current = undefined
    succession.keepListeners([])
    succession.prepare({ read: async () => this.#first }, bindPauseMs)
    return undefined
  }
}
