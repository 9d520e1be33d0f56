/** A worker as the arbiter sees it: a process, a place in the life of a worker, and what is known about it. */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Duplex, Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { FromWorker, Start, ToWorker } from '../worker/protocol.ts'
import { captureLines } from './captured-output.ts'
import { type Life, mayBecome } from './life.ts'
import type { PlannedWorker } from './plan.ts'

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
  /** A thread of the worker can say where its JavaScript stands. */
  readonly hasWatchdog?: boolean
}

/** How a worker process ended. */
export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

const workerMain = fileURLToPath(new URL(`../worker/main.${import.meta.url.slice(-2)}`, import.meta.url))

/** SIGUSR1, which is often sent to whole groups, would open a port where any local user can run code as the worker. */
const closed = ['--disable-sigusr1'] as const

/** Descriptors 0 to 2 are the standard ones and 3 is the channel. */
export const firstInherited = 4

/** How long the last words of a dead process may take to arrive, where a grandchild keeps its channel or pipes open. */
const lastWordsMs = 200

export class Child implements PlannedWorker {
  readonly age: number
  readonly generation: number
  readonly slot: number
  readonly born: number
  life: Life = 'spawned'
  since: number
  pulse: number
  quit = false
  killed = false
  worn = false
  /** Why it leaves, in one phrase, as far as that is known. */
  reason: string | undefined
  /** What it said before it gave up booting. */
  failure: Extract<FromWorker, { type: 'failed' }> | undefined
  ending: Ending | undefined
  readonly #put: (event: ChildEvent) => void
  #process: ChildProcess | undefined
  #watchdog: Duplex | undefined

  constructor(age: number, generation: number, slot: number, now: number, put: (event: ChildEvent) => void) {
    this.age = age
    this.generation = generation
    this.slot = slot
    this.born = now
    this.since = now
    this.pulse = now
    this.#put = put
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** Starts the process. Whatever goes wrong with it, `exited` follows. */
  start({ title, cwd, env, descriptors, start, capture, hasWatchdog = false }: ChildOptions): void {
    // The title stands in the arguments to make room for it where process titles live, and for `ps` before it is set.
    const printed = capture === undefined ? 'inherit' : 'pipe'
    const child = spawn(process.execPath, [...process.execArgv, ...closed, workerMain, title], {
      cwd,
      env,
      stdio: ['ignore', printed, printed, 'ipc', ...descriptors, ...(hasWatchdog ? ['pipe' as const] : [])],
    })
    this.#process = child
    child.on('message', message => this.#put({ type: 'said', child: this, message: message as FromWorker }))
    child.once('error', error => {
      if (child.pid !== undefined) return
      this.reason = `could not be started: ${error.message}`
      this.end({ code: null, signal: null })
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
    this.send(
      hasWatchdog
        ? { ...start, watchdog: this.#takeWatchdog(child, firstInherited + descriptors.length) }
        : start,
    )
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
    this.#process?.kill('SIGKILL')
  }
}
