/** A thread of a worker, as its main thread sees it: it runs an instance of the app, and is told what a worker is told. */
import { finished } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { exitCodes } from '../protocol/exit-codes.ts'
import { cacheVariable, threadKey } from '../protocol/frame.ts'
import type { FromThread, Start, ToThread } from '../protocol/messages.ts'

/** How long the last lines of a thread that has ended may take, in milliseconds. */
const printMs = 500

export interface ThreadOptions {
  /** Without its number and its memory, which are added here. */
  readonly start: Start
  /** From 0. */
  readonly index: number
  /** In shared memory, one for each thread. */
  readonly records: readonly Float64Array[]
  /** The file that is its main module. */
  readonly file: string
  /** What the app finds in `process.argv`. */
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  /** Where it keeps compiled code, if it does. */
  readonly cache: string | undefined
}

export interface ThreadListeners {
  hear(message: FromThread, thread: Thread): void
  /** It has ended, and everything that it said was heard. */
  ended(thread: Thread): void
}

export class Thread {
  readonly index: number
  /** As its heartbeat writes it, a few times a second. */
  readonly record: Float64Array
  readonly start: Start
  isReady = false
  /** It has heard its start: from now on, its app may accept connections. */
  hasBegun = false
  /** Why it ends, as it said. */
  why: string | undefined
  /** Of the error that it has not caught. */
  stack: string | undefined
  /** The error that ended it. */
  error: unknown
  /** Undefined while it lives. */
  code: number | undefined
  /** Everything that it printed was passed on. */
  readonly printed: Promise<unknown>
  readonly #port: MessagePort
  readonly #worker: Worker
  readonly #listeners: ThreadListeners

  constructor({ start, index, records, file, args, env, cache }: ThreadOptions, listeners: ThreadListeners) {
    const { port1, port2 } = new MessageChannel()
    this.index = index
    this.#listeners = listeners
    this.record = records[index] as Float64Array
    this.start = { ...start, place: { thread: index } }
    this.#port = port1 as unknown as MessagePort
    this.#worker = new Worker(file, {
      argv: [...args],
      env: { ...env, ...(cache === undefined ? {} : { [cacheVariable]: cache }) },
      name: `thread ${index}`,
      workerData: { [threadKey]: port2 },
      transferList: [port2],
      // Else the app would wait for it for ever.
      stdin: true,
      // Node would warn of the descriptors that it has inherited.
      trackUnmanagedFds: false,
    })
    this.#worker.stdin?.end()
    const { stdout, stderr } = this.#worker
    const exited = Promise.withResolvers<void>()
    this.printed = Promise.race([
      Promise.allSettled([finished(stdout), finished(stderr)]),
      exited.promise.then(async () => await sleep(printMs)),
    ])
    this.#port.on('message', (message: FromThread) => listeners.hear(message, this))
    this.#worker.on('error', error => {
      this.error = error
    })
    this.#worker.once('exit', code => {
      this.#hearLast()
      this.#port.close()
      exited.resolve()
      // Node may say 0 even then.
      this.code = this.error === undefined ? code : code || exitCodes.failed.code
      listeners.ended(this)
    })
    const scoreboard = { ...start.scoreboard, shared: this.record, threads: records }
    this.tell({ ...this.start, scoreboard })
  }

  get hasEnded(): boolean {
    return this.code !== undefined
  }

  /** Of Node, in the names of its inspector; -1 when it has ended. */
  get id(): number {
    return this.#worker.threadId
  }

  tell(message: ToThread): void {
    this.#port.postMessage(message)
  }

  /** Ends it if it has not begun: it would not hear of an order to leave for a while. */
  endUnbegun(): void {
    this.#hearLast()
    if (!this.hasBegun) void this.#worker.terminate()
  }

  /** What has arrived and waits. */
  #hearLast(): void {
    for (let last = this.#last(); last !== undefined; last = this.#last()) this.#listeners.hear(last, this)
  }

  #last(): FromThread | undefined {
    return receiveMessageOnPort(this.#port)?.message
  }
}
