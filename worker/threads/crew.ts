/** The threads of a worker: what they say together is what the worker says, and it ends when the last one has ended. */
import { inspect } from 'node:util'
import { tellArbiter, tellSync } from '../process/arbiter-channel.ts'
import { accountVariables, applyEnvironment, setTitle } from '../process/environment.ts'
import type { WorkerLog } from '../process/log.ts'
import { exitCodes } from '../protocol/exit-codes.ts'
import { truncate } from '../protocol/frame.ts'
import type { Barrier, FromThread, FromWorker, Start, ToThread, ToWorker } from '../protocol/messages.ts'
import { leaveOrders } from '../protocol/messages.ts'
import { newRecord } from '../protocol/scoreboard.ts'
import { JoinedMetrics } from './joined-metrics.ts'
import { Sockets, threadFile, threadStart, variablesOf } from './places.ts'
import { startScores } from './scores.ts'
import { answerStacks } from './stacks.ts'
import { Thread } from './thread.ts'

export interface CrewOptions {
  readonly log: WorkerLog
  readonly cache: string | undefined
  readonly args: readonly string[]
}

const leavingSignals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT', 'SIGABRT']

type Failure = Extract<FromWorker, { type: 'failed' }>

export class Crew {
  readonly #start: Start
  readonly #options: CrewOptions
  readonly #threads: Thread[] = []
  readonly #metrics: JoinedMetrics
  readonly #wanted: number
  readonly #sockets: Sockets
  /** How many wait for the others. */
  #waiting = 0
  #isLeaving = false
  #isReady = false
  #hasFailed = false
  /** The first one that has failed, and its exit code is that of the worker. */
  #failed: Thread | undefined

  constructor(start: Start, options: CrewOptions) {
    this.#start = start
    this.#options = options
    this.#wanted = start.check ? 1 : start.settings.threads
    this.#sockets = new Sockets(start.listeners)
    this.#metrics = new JoinedMetrics(() => this.#threads)
  }

  boot(): void {
    const { check, settings, watchdog, identity } = this.#start
    setTitle(check ? 'check' : 'worker', settings.name)
    tellArbiter({ type: 'booting' })
    if (watchdog !== undefined) answerStacks(watchdog, () => this.#threads)
    // Native code of all threads has this environment, and each thread a copy of it.
    applyEnvironment([...accountVariables(identity), ...settings.raw_env])
    const { cache, args } = this.#options
    const listeners = {
      hear: (message: FromThread, thread: Thread) => this.#hear(message, thread),
      ended: (thread: Thread) => this.#ended(thread),
    }
    const file = threadFile(settings.app)
    const records = Array.from({ length: this.#wanted }, sharedRecord)
    for (let index = 0; index < this.#wanted; index += 1) {
      const start = threadStart(this.#start, index, this.#wanted)
      const env = { ...process.env, ...variablesOf(this.#start, index, this.#wanted) }
      this.#threads.push(new Thread({ start, index, records, file, args, env, cache }, listeners))
    }
  }

  /** Passes on what the arbiter says. */
  tell(message: ToWorker): void {
    if (leaveOrders.includes(message.type)) {
      this.#isLeaving = true
      for (const thread of this.#living) thread.endUnbegun()
    }
    if (message.type === 'drain') {
      const { listeners } = this.#start
      const left = listeners.flatMap(({ fd }, at) => (message.abandoned.includes(fd) ? [at] : []))
      for (const thread of this.#living) {
        const abandoned = left.map(at => thread.start.listeners[at]?.fd ?? -1)
        thread.tell({ ...message, abandoned })
      }
      return
    }
    this.#tellAll(message)
    // Those that serve already have to finish, whatever the others do.
    const mayFinish = message.type === 'give up' && this.#threads.some(({ isReady }) => isReady)
    if (mayFinish) this.#fail({ type: 'failed', why: 'boot', message: message.why })
  }

  /** The process got a signal. By all but TERM, of which the arbiter is asked first, the threads leave at once. */
  signal(signal: NodeJS.Signals): void {
    if (leavingSignals.includes(signal)) this.#isLeaving = true
    this.#tellAll({ type: 'signal', signal })
  }

  /** The arbiter is gone. */
  orphaned(): void {
    this.#isLeaving = true
    this.#tellAll({ type: 'lost' })
  }

  #tellAll(message: ToThread): void {
    for (const thread of this.#living) thread.tell(message)
  }

  get #living(): readonly Thread[] {
    return this.#threads.filter(({ hasEnded }) => !hasEnded)
  }

  #hear(message: FromThread, thread: Thread): void {
    switch (message.type) {
      case 'booting':
        thread.hasBegun = true
        return
      case 'waits':
        return this.#wait(message.for)
      case 'ready':
        return this.#hasBooted(thread)
      case 'failed':
        return this.#fail(message, thread)
      case 'crashed':
        thread.why = message.why
        thread.stack = message.stack
        return
      case 'metrics':
        return this.#metrics.hear(message, thread)
      case 'log':
        return this.#options.log.write(message.level, message.message)
      case 'leaving':
        if (!tellArbiter(message)) this.orphaned()
        return
      default:
        tellArbiter(message)
    }
  }

  #wait(reason: Barrier): void {
    this.#waiting += 1
    if (this.#waiting < this.#wanted) return
    this.#waiting = 0
    // Privileges are those of the process, and each thread may want them for `post_fork`.
    if (reason === 'user') void this.#becomeUser()
    else this.#tellAll({ type: 'go on' })
  }

  async #becomeUser(): Promise<void> {
    const { identity } = this.#start
    try {
      if (identity !== undefined) await (await import('../process/privileges.ts')).becomeUser(identity)
      this.#tellAll({ type: 'go on' })
    } catch (error) {
      this.#fail({ type: 'failed', why: 'boot', message: (error as Error).message })
    }
  }

  #hasBooted(thread: Thread): void {
    thread.isReady = true
    const isEach = this.#threads.length === this.#wanted && this.#threads.every(({ isReady }) => isReady)
    // One that was told to leave says so as soon as a thread has something to finish.
    if (this.#isReady || this.#hasFailed || !(isEach || this.#isLeaving)) return
    this.#isReady = true
    startScores({
      start: this.#start,
      threads: this.#threads,
      onRecycle: why => tellArbiter({ type: 'recycle', why }),
      onTrouble: this.#options.log.error,
    })
    tellArbiter({ type: 'ready' })
  }

  /** A worker without one of its threads does not boot; the others finish what they have accepted. */
  #fail(message: Failure, thread?: Thread): void {
    if (this.#isLeaving) return
    this.#isLeaving = true
    this.#hasFailed = true
    this.#failed = thread
    process.exitCode = exitCodes.workerFailedToBoot.code
    tellArbiter(message)
    for (const other of this.#living) if (other !== thread) other.tell({ type: 'cancel' })
  }

  #ended(thread: Thread): void {
    this.#sockets.close(thread.start.listeners)
    if (thread.error !== undefined) printError(thread.error)
    if (!this.#isLeaving && !this.#start.check) this.#lost(thread)
    else if (thread.why !== undefined) tellSync({ type: 'crashed', why: this.#nameOf(thread, thread.why) })
    if (this.#living.length === 0 && this.#threads.length === this.#wanted) void this.#leave()
  }

  /** One thread of a worker that serves has ended: the worker serves with the others until it is replaced. */
  #lost(thread: Thread): void {
    const { why = endOf(thread), stack } = thread
    const text = this.#nameOf(thread, why)
    tellSync({ type: 'crashed', why: text, ...(stack === undefined ? {} : { stack }) })
    if (this.#living.length === 0) return
    const rest = `${this.#living.length} other thread${this.#living.length === 1 ? '' : 's'}`
    if (this.#isReady) {
      this.#options.log.error(
        `${capital(text)}: this costs the worker, whose ${rest} will serve until it is replaced`,
      )
      tellArbiter({ type: 'recycle', why: text })
    } else {
      this.#isLeaving = true
      this.#hasFailed = true
      this.#options.log.error(`${capital(text)}: this costs the worker, which has not booted`)
      this.#tellAll({ type: 'cancel' })
    }
  }

  #nameOf({ index }: Thread, why: string): string {
    return `thread ${index} of ${this.#wanted}: ${why}`
  }

  /** All threads have ended. */
  async #leave(): Promise<void> {
    this.#metrics.tellLast()
    const codes = this.#threads.flatMap(({ code = 0, hasBegun }) => (hasBegun ? [code] : []))
    const code = this.#failed?.code ?? codes.find(one => one !== 0) ?? 0
    // What they have printed last is on its way.
    await Promise.all(this.#threads.map(thread => thread.printed))
    process.exit(code || process.exitCode)
  }
}

function sharedRecord(): Float64Array {
  return new Float64Array(new SharedArrayBuffer(newRecord().byteLength))
}

/** A thread that ends by itself, without an error. */
function endOf({ code, error }: Thread): string {
  if (error !== undefined) return error instanceof Error ? error.message : inspect(error)
  return code === 0 ? 'it has ended' : `it has ended with code ${code}`
}

/** Node prints it in a process, but not for a thread. */
function printError(error: unknown): void {
  process.stderr.write(`Uncaught ${truncate(inspect(error))}\n`)
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
