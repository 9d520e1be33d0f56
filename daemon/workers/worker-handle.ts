/** The arbiter's handle of a worker: its process, its state, and what is known about it. */
import type { ChildProcess } from 'node:child_process'
import type { Duplex } from 'node:stream'
import type { HookLog, WorkerView } from '../../hooks/table.ts'
import { type FromWorker, leaveOrders, type ToWorker } from '../../worker/protocol/messages.ts'
import type { Link, LinkListeners, WorkerStart } from '../kinds/worker-start.ts'
import type { WorkerName } from '../logs/journal.ts'
import { isLeaving, mayBecome, type WorkerState } from '../state/worker-state.ts'
import type { PlannedWorker } from '../state/world.ts'
import { type ExitStatus, trySpawn, whyNotStarted } from '../system/spawn.ts'
import type { Seat } from './scoreboard.ts'

/** What a handle reports to the arbiter, always by way of the inbox. */
export type ChildEvent =
  | { readonly type: 'said'; readonly child: Child; readonly message: FromWorker }
  /** It misbehaves; the text follows its name. */
  | { readonly type: 'misbehaved'; readonly child: Child; readonly text: string }
  /** Its channel has closed, but its process lives. */
  | { readonly type: 'lost'; readonly child: Child }
  /** It was about to be killed, and has recovered. */
  | { readonly type: 'revived'; readonly child: Child }
  | { readonly type: 'exited'; readonly child: Child }

/** How long the last output may take to arrive, in milliseconds, if a grandchild keeps the channel or a pipe open. */
const lastWordsMs = 200

export class Child implements PlannedWorker {
  readonly age: number
  readonly generation: number
  readonly index: number
  /** Its slot on the scoreboard, once it is started. */
  seat: Seat | undefined
  readonly born: number
  state: WorkerState = 'spawned'
  since: number
  heartbeat: number
  killed = false
  needsRecycling = false
  isGone = false
  /** It was started with tsx. */
  hasTsx = false
  /** It is a program, which counts no requests. */
  isProgram = false
  /** The process may still live, but is no longer counted. */
  isAbandoned = false
  /** Why it leaves, in one phrase, if known. */
  reason: string | undefined
  /** Of the error that ended it. */
  stack: string | undefined
  /** What it reported when it failed to boot. */
  failure: Extract<FromWorker, { type: 'failed' }> | undefined
  ending: ExitStatus | undefined
  /** Hears messages about metrics: many and long ones, about which the plan has nothing to decide. */
  hearMetrics: LinkListeners['hearMetrics']
  readonly #put: (event: ChildEvent) => void
  #process: ChildProcess | undefined
  #link: Link | undefined

  constructor(
    { age, generation, index }: Pick<PlannedWorker, 'age' | 'generation' | 'index'>,
    now: number,
    put: (event: ChildEvent) => void,
  ) {
    this.age = age
    this.generation = generation
    this.index = index
    this.born = now
    this.since = now
    this.heartbeat = now
    this.#put = put
  }

  /** Whether its process has been started, or could not be. */
  get isStarted(): boolean {
    return this.#process !== undefined || this.ending !== undefined
  }

  /** The channel to its watchdog thread, if it has one. */
  get watchdog(): Duplex | undefined {
    return this.#link?.watchdog
  }

  /** How log lines name it, after the word worker. */
  get label(): string {
    return this.pid === undefined ? `${this.age}` : `${this.age} (pid ${this.pid})`
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** How the journal names it. */
  get name(): WorkerName {
    const { age, pid, generation } = this
    return { age, pid, generation }
  }

  /** It leaves for this reason as soon as another one has taken its place. */
  recycle(why: string): void {
    this.needsRecycling = true
    this.reason = why
  }

  /** What hooks see of it. */
  view(log: HookLog): WorkerView {
    const { index, state, ending, reason } = this
    return {
      ...this.name,
      index,
      state,
      ...(ending === undefined ? {} : { exit_code: ending.code, signal: ending.signal }),
      ...(reason === undefined ? {} : { reason }),
      log,
    }
  }

  /** Starts the process. Whatever goes wrong, `exited` follows. */
  start({ file, args, options, connect, hasTsx = false, isProgram = false }: WorkerStart): void {
    const child = trySpawn(file, args, options)
    if (child instanceof Error) return this.fail(whyNotStarted(child, file, options.cwd))
    this.#process = child
    this.hasTsx = hasTsx
    this.isProgram = isProgram
    child.on('error', error => {
      if (child.pid === undefined) this.fail(whyNotStarted(error, file, options.cwd))
      else if (this.killed) this.#abandon(error.message)
    })
    const link = connect(child, {
      hear: message => this.#put({ type: 'said', child: this, message }),
      ...(this.hearMetrics && { hearMetrics: this.hearMetrics }),
      complain: text => this.#put({ type: 'misbehaved', child: this, text }),
      lost: () => this.#put({ type: 'lost', child: this }),
    })
    this.#link = link
    child.once('exit', (code, signal) => {
      this.isGone = true
      const remains = link.finish({ code, signal }, this.killed || isLeaving(this.state))
      const end = () => this.end({ code, signal })
      const hearLast = remains === undefined ? end : () => void remains.then(end)
      const timer = setTimeout(hearLast, lastWordsMs)
      child.once('close', () => {
        clearTimeout(timer)
        hearLast()
      })
    })
  }

  /** Ends a worker that has no process and will get none. */
  fail(why: string): void {
    this.reason = `could not be started: ${why}`
    this.end({ code: null, signal: null })
  }

  /** Gives up on a process that cannot be killed: it leaves by itself when it finds its arbiter gone. */
  #abandon(why: string): void {
    this.isAbandoned = true
    this.reason = `could not be ended: ${why}: let the arbiter signal it (CAP_KILL), and end it by hand`
    this.end({ code: null, signal: null })
  }

  /** Reports the exit, even of a worker that never had a process. */
  end(ending: ExitStatus): void {
    if (this.ending !== undefined) return
    this.ending = ending
    this.#link?.close()
    this.#put({ type: 'exited', child: this })
  }

  /** Enters a state; false if that would go backwards. */
  become(life: WorkerState, now: number): boolean {
    if (!mayBecome(this.state, life)) return false
    this.state = life
    this.since = now
    this.heartbeat = now
    return true
  }

  /** A worker that dies meanwhile is noticed by its exit. */
  send(message: ToWorker): void {
    if (this.#link?.isOpen !== false) return this.#link?.send(message)
    // A worker without a channel takes SIGTERM for an order to finish.
    if (leaveOrders.includes(message.type)) this.#process?.kill('SIGTERM')
  }

  /** Tells it to leave at once; without a process, it never gets one. */
  leave(now: number, how: 'cancelled' | 'quitting'): void {
    this.become(how, now)
    if (this.#process === undefined) this.end({ code: 0, signal: null })
    else this.send({ type: how === 'cancelled' ? 'cancel' : 'quit' })
  }

  /** Whether it has shown a heartbeat since it was to be killed, or fails by itself: then it is not killed. */
  revive(since: number): boolean {
    const hasCome = this.heartbeat >= since && (this.state === 'ready' || this.state === 'draining')
    if (!hasCome && this.failure === undefined) return false
    this.killed = false
    this.reason = undefined
    this.#put({ type: 'revived', child: this })
    return true
  }

  /** Kills the process; `killed` is set as soon as the kill is decided. */
  kill(): void {
    this.killed = true
    if (this.#process === undefined) this.end({ code: null, signal: null })
    // For a process without a pid, Node would signal its own process group.
    else if (this.pid !== undefined) this.#link?.kill()
  }
}
