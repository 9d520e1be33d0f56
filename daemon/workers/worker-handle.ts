/** The arbiter's handle of a worker: its process, its state, and what is known about it. */
import type { ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import type { Duplex, Readable } from 'node:stream'
import type { HookLog, WorkerView } from '../../hooks/table.ts'
import { channelFd, firstInherited } from '../../worker/protocol/frame.ts'
import { type FromWorker, leaveOrders, type Start, type ToWorker } from '../../worker/protocol/messages.ts'
import { captureLines } from '../logs/captured-output.ts'
import type { WorkerName } from '../logs/journal.ts'
import { mayBecome, type WorkerState } from '../state/worker-state.ts'
import type { PlannedWorker } from '../state/world.ts'
import { type ExitStatus, trySpawn, whyNotStarted } from '../system/spawn.ts'
import { workerCommand, workerEnvironment } from '../system/worker-command.ts'
import type { Seat } from './scoreboard.ts'
import { WorkerChannel } from './worker-channel.ts'

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

/** What a worker process is started with. */
export interface ChildOptions {
  /** The absolute path of the app's file, which is the main module; undefined if only the worker can find it. */
  readonly app: string | undefined
  /** What the app finds in `process.argv`. */
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  /** The descriptors that the process inherits, from `firstInherited` on. */
  readonly descriptors: readonly number[]
  readonly start: Start
  /** Receives what the process prints, in whole lines; without it, that goes to the arbiter's own output. */
  readonly capture?: ((lines: string) => void) | undefined
  /** The worker gets a watchdog thread that can report its stack. */
  readonly hasWatchdog?: boolean
}

/** How long a process may live after its channel has closed, in milliseconds: it may be about to exit. */
const endingMs = 1_000

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
  /** The process may still live, but is no longer counted. */
  isAbandoned = false
  /** Why it leaves, in one phrase, if known. */
  reason: string | undefined
  /** Of the error that ended it. */
  stack: string | undefined
  /** What it reported when it failed to boot. */
  failure: Extract<FromWorker, { type: 'failed' }> | undefined
  ending: ExitStatus | undefined
  readonly #put: (event: ChildEvent) => void
  #process: ChildProcess | undefined
  #channel: WorkerChannel | undefined
  #loss: NodeJS.Timeout | undefined
  /** The channel to the watchdog thread. */
  watchdog: Duplex | undefined

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
  start({ app, args, cwd, env, descriptors, start, capture, hasWatchdog = false }: ChildOptions): void {
    const printed = capture === undefined ? 'inherit' : 'pipe'
    const child = trySpawn(process.execPath, workerCommand(app, args), {
      cwd,
      env: workerEnvironment(env, start),
      stdio: ['ignore', printed, printed, 'pipe', ...descriptors, ...(hasWatchdog ? ['pipe' as const] : [])],
    })
    if (child instanceof Error) return this.fail(whyNotStarted(child, process.execPath, cwd))
    this.#process = child
    this.hasTsx = start.tsx
    const socket = child.stdio?.[channelFd] as Socket | undefined
    this.#channel = socket && this.#listen(socket)
    child.on('error', error => {
      if (child.pid === undefined) this.fail(whyNotStarted(error, process.execPath, cwd))
      else if (this.killed) this.#abandon(error.message)
    })
    for (const stream of [child.stdout, child.stderr]) {
      if (stream && capture) captureLines(stream as Readable, capture)
    }
    child.once('exit', (code, signal) => {
      this.isGone = true
      this.#channel?.finish()
      const timer = setTimeout(() => this.end({ code, signal }), lastWordsMs)
      child.once('close', () => {
        clearTimeout(timer)
        this.end({ code, signal })
      })
    })
    const watchdog = firstInherited + descriptors.length
    this.send(hasWatchdog ? { ...start, watchdog: this.#takeWatchdog(child, watchdog) } : start)
  }

  #takeWatchdog({ stdio }: ChildProcess, fd: number): number {
    // A process that could not be started has no streams.
    const channel = stdio?.[fd] as Duplex | null | undefined
    channel?.on('error', () => undefined).resume()
    this.watchdog = channel ?? undefined
    return fd
  }

  #listen(socket: Socket): WorkerChannel {
    return new WorkerChannel(socket, {
      hear: message => this.#put({ type: 'said', child: this, message }),
      complain: text => this.#put({ type: 'misbehaved', child: this, text }),
      lost: () => {
        this.#loss = setTimeout(() => this.#put({ type: 'lost', child: this }), endingMs)
      },
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
    clearTimeout(this.#loss)
    this.#channel?.close()
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
    if (this.#channel?.isOpen !== false) return this.#channel?.send(message)
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
    else if (this.pid !== undefined) this.#process.kill('SIGKILL')
  }
}
