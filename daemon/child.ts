/** A worker as the arbiter sees it: a process, a place in the life of a worker, and what is known about it. */
import type { ChildProcess } from 'node:child_process'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { HookLog, WorkerView } from '../hooks/table.ts'
import type { FromWorker, Start, ToWorker } from '../worker/protocol.ts'
import { captureLines } from './captured-output.ts'
import { type Life, mayBecome } from './life.ts'
import type { PlannedWorker } from './plan.ts'
import type { Seat } from './scoreboard.ts'
import { trySpawn, whyNotStarted } from './spawn.ts'

/** What a child tells the arbiter; it only ever ends up in the inbox. */
export type ChildEvent =
  | { readonly type: 'said'; readonly child: Child; readonly message: FromWorker }
  | { readonly type: 'exited'; readonly child: Child }

/** Everything that a worker process is started with. */
export interface ChildOptions {
  readonly title: string
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  /** What the process inherits, from descriptor `firstInherited` on. */
  readonly descriptors: readonly number[]
  readonly start: Start
  /** Takes what the process prints, in whole lines, in place of the arbiter's own standard output and standard error. */
  readonly capture?: ((lines: string) => void) | undefined
  /** Options for Node, besides those of the arbiter. */
  readonly execArgv?: readonly string[]
}

/** How a worker process ended. */
export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

const workerMain = fileURLToPath(new URL(`../worker/main.${import.meta.url.slice(-2)}`, import.meta.url))

/** Descriptors 0 to 2 are the standard ones and 3 is the channel. */
export const firstInherited = 4

/** How long the last words of a dead process may take to arrive, where a grandchild keeps its channel or pipes open. */
const lastWordsMs = 200

export class Child implements PlannedWorker {
  readonly age: number
  readonly generation: number
  /** Its place on the scoreboard, from when it is started. */
  seat: Seat | undefined
  readonly born: number
  life: Life = 'spawned'
  since: number
  pulse: number
  quit = false
  killed = false
  worn = false
  /** It may live, and is no longer counted. */
  isAbandoned = false
  /** Why it leaves, in one phrase, as far as that is known. */
  reason: string | undefined
  /** What it said before it gave up booting. */
  failure: Extract<FromWorker, { type: 'failed' }> | undefined
  ending: Ending | undefined
  readonly #put: (event: ChildEvent) => void
  #process: ChildProcess | undefined

  constructor(age: number, generation: number, now: number, put: (event: ChildEvent) => void) {
    this.age = age
    this.generation = generation
    this.born = now
    this.since = now
    this.pulse = now
    this.#put = put
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** What hooks see of it. */
  view(log: HookLog): WorkerView {
    const { pid, age, generation, life, ending, reason } = this
    return {
      pid,
      age,
      generation,
      state: life,
      ...(ending === undefined ? {} : { exit_code: ending.code, signal: ending.signal }),
      ...(reason === undefined ? {} : { reason }),
      log,
    }
  }

  /** Starts the process. Whatever goes wrong with it, `exited` follows. */
  start({ title, cwd, env, descriptors, start, capture, execArgv = [] }: ChildOptions): void {
    // The title stands in the arguments to make room for it where process titles live, and for `ps` before it is set.
    const printed = capture === undefined ? 'inherit' : 'pipe'
    const child = trySpawn(process.execPath, [...process.execArgv, ...execArgv, workerMain, title], {
      cwd,
      env,
      stdio: ['ignore', printed, printed, 'ipc', ...descriptors],
    })
    if (child instanceof Error) return this.#fail(whyNotStarted(child, process.execPath, cwd))
    this.#process = child
    child.on('message', message => this.#put({ type: 'said', child: this, message: message as FromWorker }))
    child.on('error', error => {
      if (child.pid === undefined) this.#fail(whyNotStarted(error, process.execPath, cwd))
      else if (this.killed) this.#abandon(error.message)
    })
    for (const stream of [child.stdout, child.stderr]) {
      if (stream && capture) captureLines(stream as Readable, capture)
    }
    child.once('exit', (code, signal) => {
      const timer = setTimeout(() => this.end({ code, signal }), lastWordsMs)
      child.once('close', () => {
        clearTimeout(timer)
        this.end({ code, signal })
      })
    })
    this.send(start)
  }

  #fail(why: string): void {
    this.reason = `could not be started: ${why}`
    this.end({ code: null, signal: null })
  }

  /** Nobody waits for a process that cannot be ended; it leaves by itself when it finds its arbiter gone. */
  #abandon(why: string): void {
    this.isAbandoned = true
    this.reason = `could not be ended: ${why}: let the arbiter signal it (CAP_KILL), and end it by hand`
    if (this.#process?.connected) this.#process.disconnect()
    this.end({ code: null, signal: null })
  }

  /** Reports the end; also of a worker that never got a process. */
  end(ending: Ending): void {
    if (this.ending !== undefined) return
    this.ending = ending
    this.#put({ type: 'exited', child: this })
  }

  /** Moves on in life; false where that would be backwards. */
  become(life: Life, now: number): boolean {
    if (!mayBecome(this.life, life)) return false
    this.life = life
    this.since = now
    this.pulse = now
    return true
  }

  send(message: ToWorker): void {
    const child = this.#process
    if (child?.connected !== true) return
    // A worker that dies while it is told something is noticed by its exit.
    child.send(message, () => undefined)
  }

  /** Whether it was killed or is about to be, `killed` says; this does it. */
  kill(): void {
    this.killed = true
    // Node would send the signal of a process without a pid to the own process group.
    if (this.pid !== undefined) this.#process?.kill('SIGKILL')
  }
}
