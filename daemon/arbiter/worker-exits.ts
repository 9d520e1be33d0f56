/** Decides what the exit of a worker means for the server. */
import type { Resolved } from '../../config/resolve/resolve.ts'
import { exitCodes } from '../../worker/protocol/exit-codes.ts'
import type { FromWorker } from '../../worker/protocol/messages.ts'
import { type Generation, mayBind } from '../generation/generation.ts'
import { NotLoaded } from '../generation/generations.ts'
import type { Trigger } from '../state/phase.ts'
import { isLeaving } from '../state/worker-state.ts'
import type { Child } from '../workers/worker-handle.ts'
import type { Reloads } from './reloads.ts'
import type { Server } from './server.ts'

/** The arbiter has to react to this. */
export type ExitTrigger =
  | {
      readonly trigger: Extract<Trigger, 'early exit' | 'boot failed'>
      readonly error: Error
      /** Of the error that ended the worker, if it was one. */
      readonly stack?: string | undefined
    }
  /** A reload has to bind an address for the app. */
  | { readonly trigger: 'HUP'; readonly error?: undefined }

/** How often an address that a worker found taken is tried, and the pause between tries in milliseconds. */
const bindTries = 5
const bindPauseMs = 1_000

/** How often an app may ask for other addresses, besides once for each worker, before it is refused. */
const mostMoves = 5

export class WorkerExits {
  /** The exit code if the arbiter gives up because of a worker. */
  exitCode: number = exitCodes.failed.code
  readonly #server: Server
  readonly #reloads: Reloads
  readonly #first: Resolved
  #bindTries = 1
  /** How often the app has asked for other addresses since a generation was last in force. */
  #moves: { readonly since: Generation | undefined; readonly count: number } = { since: undefined, count: 0 }

  /** `first` is the configuration of the first generation. */
  constructor(server: Server, reloads: Reloads, first: Resolved) {
    this.#server = server
    this.#reloads = reloads
    this.#first = first
  }

  /** The exit code if the arbiter gives up because of this. */
  codeAfter(error: unknown): number {
    return error instanceof NotLoaded ? exitCodes.appFailedToLoad.code : this.exitCode
  }

  /** Removes a worker that exited, and returns what the arbiter has to react to. */
  reap(child: Child): ExitTrigger | undefined {
    const { fleet, generations, phase, log, crashLoop } = this.#server
    const { isOn: loops } = crashLoop
    const { current, lastGood } = generations
    if (fleet.showsError(child.generation)) return this.#reapPage(child)
    if (child.failure?.why === 'tsx' && !child.hasTsx) return this.#takeTsx(child, child.failure.message)
    if (child.failure?.why === 'elsewhere' && this.#bindForApp(child))
      return phase.name === 'running' && child.generation === current?.number ? { trigger: 'HUP' } : undefined
    const isProven = child.generation === lastGood?.number
    const { kind, served, text } = fleet.reap(child, { proven: isProven, quietly: loops })
    const message = child.failure?.message ?? text
    // Only a reload can go back to an older generation.
    const isEarly = kind === 'unstable' && phase.name !== 'reloading'
    if (kind === 'crash' || (isEarly && served > 0)) {
      crashLoop.pace(child.born)
      return undefined
    }
    if (kind === 'early exit' || isEarly) {
      if (child.failure !== undefined && !loops) log.error(message)
      return { trigger: 'early exit', error: new Error(message.split('\n')[0]) }
    }
    if (child.generation !== current?.number || kind === 'expected') return undefined
    if (kind === 'bind failed' && phase.name === 'booting') return this.#bindAgain(message)
    return this.#failBoot(child, message)
  }

  /** Another one shows the error; but where it cannot be shown, the server goes on as if it had none to show. */
  #reapPage(child: Child): undefined {
    const { crashLoop, fleet, generations, log } = this.#server
    const { state, failure } = child
    const { kind } = fleet.reap(child, { proven: true, quietly: false })
    if (kind === 'expected' || generations.planned?.number !== child.generation) return
    if (state === 'ready') return void crashLoop.pace(child.born)
    generations.hide()
    log.warning(`The error cannot be shown${failure === undefined ? '' : `: ${failure.message}`}`)
  }

  /** This is no failure: the next worker starts with tsx. */
  #takeTsx(child: Child, why: string): undefined {
    const { fleet, log } = this.#server
    if (!fleet.needsTsx) log.info(`The app is loaded with tsx from now on: ${why}`)
    fleet.needsTsx = true
    fleet.reap(child, { proven: false, quietly: true })
  }

  /**
   * Binds the addresses that the app wants and starts its workers again with them; false if that would change nothing,
   * or is not allowed. Where the server runs, a worker with a new index may have a port of its own.
   */
  #bindForApp(child: Child): boolean {
    const { fleet, generations, phase, log, crashLoop } = this.#server
    const { current, lastGood, appBinds } = generations
    const { binds = [], message = '' } = child.failure ?? {}
    const isCurrent = child.generation === current?.number
    if (isCurrent && (!mayBind(current) || !['booting', 'running', 'reloading'].includes(phase.name)))
      return false
    // The reload that binds them has not got to this worker.
    const isUnderWay = phase.name === 'reloading' && current === lastGood && appBinds.hasAll(binds)
    if (isCurrent && !isUnderWay && (this.#tooOften() || !appBinds.learn(binds, child.index))) return false
    fleet.reap(child, { proven: false, quietly: true })
    if (isUnderWay) crashLoop.pace(child.born)
    if (!isCurrent || isUnderWay) return true
    const how = appBinds.isComplete
      ? 'its workers choose another one each time and keep it'
      : 'it is bound for the app'
    log.info(`${message}: ${how}`)
    if (phase.name === 'reloading') {
      this.#reloads.begin()
      this.#server.revert()
    } else if (phase.name === 'booting') this.#startOver()
    return true
  }

  /** Notes where the app of a serving worker listens as well; true if a reload has to bind it for later workers. */
  bindLate(child: Child, { message, binds }: Extract<FromWorker, { type: 'listens' }>): boolean {
    const { generations, log } = this.#server
    const { current, appBinds } = generations
    const isAsked = child.generation === current?.number && !isLeaving(child.state)
    if (!isAsked || !mayBind(current) || !appBinds.learnLate(binds)) return false
    log.info(`${message}: it is bound for the app`)
    return true
  }

  /** Whether the app keeps asking for other addresses: it would never start. */
  #tooOften(): boolean {
    const { generations, scale } = this.#server
    const { lastGood, appBinds } = generations
    if (this.#moves.since !== lastGood) appBinds.forgetAsked()
    this.#moves =
      this.#moves.since === lastGood
        ? { since: lastGood, count: this.#moves.count + 1 }
        : { since: lastGood, count: 1 }
    return this.#moves.count > mostMoves + scale.wanted
  }

  #startOver(delayMs = 0): void {
    const { generations } = this.#server
    generations.deactivate()
    generations.prepare({ read: async () => this.#first }, delayMs)
  }

  #failBoot(child: Child, message: string): ExitTrigger | undefined {
    const { appFailedToLoad, workerFailedToBoot, failed } = exitCodes
    const { phase, generations } = this.#server
    if (phase.name === 'reloading' && generations.isPreparing) {
      this.#reloads.supersede(message)
      return undefined
    }
    const codes = {
      app: appFailedToLoad,
      boot: workerFailedToBoot,
      bind: failed,
      log: failed,
      tsx: workerFailedToBoot,
      elsewhere: appFailedToLoad,
    }
    this.exitCode = codes[child.failure?.why ?? 'boot'].code
    return { trigger: 'boot failed', error: new Error(message), stack: child.stack }
  }

  /** Another server took the address after the arbiter bound it and before the first worker listened. */
  #bindAgain(message: string): ExitTrigger | undefined {
    const { log, generations } = this.#server
    this.#bindTries += 1
    if (this.#bindTries > bindTries) return { trigger: 'boot failed', error: new Error(message) }
    log.error(`${message} (try ${this.#bindTries - 1} of ${bindTries}, the next in 1 second)`)
    generations.keepListeners([])
    this.#startOver(bindPauseMs)
    return undefined
  }
}
