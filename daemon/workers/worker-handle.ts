/** A worker as the arbiter sees it: a process, a place in the life of a worker, and what is known about it. */
import type { ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import type { Duplex, Readable } from 'node:stream'
import type { HookLog, WorkerView } from '../../hooks/table.ts'
import { channelFd, firstInherited } from '../../worker/protocol/frame.ts'
import { type FromWorker, leaveOrders, type Start, type ToWorker } from '../../worker/protocol/messages.ts'
import type { PlannedWorker } from '../state/plan.ts'
import { mayBecome, type WorkerState } from '../state/worker-state.ts'
import { type ExitStatus, trySpawn, whyNotStarted } from '../system/spawn.ts'
import { workerCommand, workerEnvironment } from '../system/worker-command.ts'
import { captureLines } from './captured-output.ts'
import type { Seat } from './scoreboard.ts'
import { WorkerChannel } from './worker-channel.ts'

/** What a child tells the arbiter; it only ever ends up in the inbox. */
export type ChildEvent =
  | { readonly type: 'said'; readonly child: Child; readonly message: FromWorker }
  /** It misbehaves; the text goes on after its name. */
  | { readonly type: 'misbehaved'; readonly child: Child; readonly text: string }
  /** Its channel has ended, and its process has not. */
  | { readonly type: 'lost'; readonly child: Child }
  /** It was to be killed, and is not. */
  | { readonly type: 'revived'; readonly child: Child }
  | { readonly type: 'exited'; readonly child: Child }

/** Everything that a worker process is started with. */
export interface ChildOptions {
  /** The file of the app, absolute, which is the main module; undefined where only the worker can find out. */
  readonly app: string | undefined
  /** What the app finds in `process.argv`. */
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  /** What the process inherits, from descriptor `firstInherited` on. */
  readonly descriptors: readonly number[]
  readonly start: Start
  /** Takes what the process prints, in whole lines, in place of the arbiter's own standard output and standard error. */
  readonly capture?: ((lines: string) => void) | undefined
  /** A thread of the worker can say where its JavaScript stands. */
  readonly hasWatchdog?: boolean
}

/** How long a process may live on when its channel has ended, because it is about to end itself. */
const endingMs = 1_000

/** How long the last words of a dead process may take to arrive, where a grandchild keeps its channel or pipes open. */
const lastWordsMs = 200

export class Child implements PlannedWorker {
  readonly age: number
  readonly generation: number
  readonly index: number
  /** Its place on the scoreboard, from when it is started. */
  seat: Seat | undefined
  readonly born: number
  state: WorkerState = 'spawned'
  since: number
  heartbeat: number
  quit = false
  killed = false
  needsRecycling = false
  /** It was started with tsx. */
  hasTsx = false
  /** It may live, and is no longer counted. */
  isAbandoned = false
  #isCancelled = false
  /** Why it leaves, in one phrase, as far as that is known. */
  reason: string | undefined
  /** What it said before it gave up booting. */
  failure: Extract<FromWorker, { type: 'failed' }> | undefined
  ending: ExitStatus | undefined
  readonly #put: (event: ChildEvent) => void
  #process: ChildProcess | undefined
  #channel: WorkerChannel | undefined
  #loss: NodeJS.Timeout | undefined
  #watchdog: Duplex | undefined

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

  /** Whether its process has been started, or was tried to. */
  get isStarted(): boolean {
    return this.#process !== undefined || this.ending !== undefined
  }

  /** What messages call it. */
  get name(): string {
    return this.pid === undefined ? `worker ${this.age}` : `worker ${this.age} (pid ${this.pid})`
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** What hooks see of it. */
  view(log: HookLog): WorkerView {
    const { pid, age, generation, index, state, ending, reason } = this
    return {
      pid,
      age,
      generation,
      index,
      state: state,
      ...(ending === undefined ? {} : { exit_code: ending.code, signal: ending.signal }),
      ...(reason === undefined ? {} : { reason }),
      log,
    }
  }

  /** Starts the process. Whatever goes wrong with it, `exited` follows. */
  start({ app, args, cwd, env, descriptors, start, capture, hasWatchdog = false }: ChildOptions): void {
    const printed = capture === undefined ? 'inherit' : 'pipe'
    const child = trySpawn(process.execPath, workerCommand(app, args), {
      cwd,
      env: workerEnvironment(env, start.index),
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
    // Without a process there is none.
    const channel = stdio?.[fd] as Duplex | null | undefined
    channel?.on('error', () => undefined).resume()
    this.#watchdog = channel ?? undefined
    return fd
  }

  /** The way to the thread that knows where the JavaScript stands. */
  get watchdog(): Duplex | undefined {
    return this.#watchdog
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

  /** There is no process, and there will be none. */
  fail(why: string): void {
    this.reason = `could not be started: ${why}`
    this.end({ code: null, signal: null })
  }

  /** Nobody waits for a process that cannot be ended; it leaves by itself when it finds its arbiter gone. */
  #abandon(why: string): void {
    this.isAbandoned = true
    this.reason = `could not be ended: ${why}: let the arbiter signal it (CAP_KILL), and end it by hand`
    this.end({ code: null, signal: null })
  }

  /** Reports the end; also of a worker that never got a process. */
  end(ending: ExitStatus): void {
    if (this.ending !== undefined) return
    this.ending = ending
    clearTimeout(this.#loss)
    this.#channel?.close()
    this.#put({ type: 'exited', child: this })
  }

  /** Moves on in life; false where that would be backwards. */
  become(life: WorkerState, now: number): boolean {
    if (!mayBecome(this.state, life)) return false
    this.state = life
    this.since = now
    this.heartbeat = now
    return true
  }

  /** One that dies while it is told something is noticed by its exit. */
  send(message: ToWorker): void {
    if (this.#channel?.isOpen !== false) return this.#channel?.send(message)
    // Without its channel it takes this for an order to finish.
    if (leaveOrders.includes(message.type)) this.#process?.kill('SIGTERM')
  }

  /** Tells it to leave at once; where it has no process yet, it never gets one. */
  leave(now: number, how: 'cancel' | 'quit'): void {
    this.become('draining', now)
    this.since = now
    this.quit = true
    this.#isCancelled = how === 'cancel'
    if (this.#process === undefined) this.end({ code: 0, signal: null })
    else this.send({ type: how })
  }

  /** It was cancelled, and serves already: it has as long as any other that drains. */
  finish(now: number): void {
    if (!this.#isCancelled) return
    this.quit = false
    this.since = now
    this.heartbeat = now
  }

  /** Whether it has shown life since it was to be killed: then it is not. */
  revive(since: number): boolean {
    if (this.heartbeat <= since || (this.state !== 'ready' && this.state !== 'draining')) return false
    this.killed = false
    this.reason = undefined
    this.#put({ type: 'revived', child: this })
    return true
  }

  /** Whether it was killed or is about to be, `killed` says; this does it. */
  kill(): void {
    this.killed = true
    if (this.#process === undefined) this.end({ code: null, signal: null })
    // Node would send the signal of a process without a pid to the own process group.
    else if (this.pid !== undefined) this.#process.kill('SIGKILL')
  }
}
