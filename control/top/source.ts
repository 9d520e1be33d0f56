/** Follows a server: its answers once a second, its events, and the arbiter that takes its place. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../client/exit-codes.ts'
import { findNewArbiter, findOne, type Instance, type Wanted, within } from '../client/instances.ts'
import { clean } from '../print/clean.ts'
import type { Event } from '../print/events.ts'
import type { Everything } from '../protocol/messages.ts'

export interface Listener {
  readonly onAnswer: (answer: Everything) => void
  readonly onEvent: (event: Event) => void
  /** Why there are no answers; undefined when there are again. */
  readonly onTrouble: (text: string | undefined) => void
}

/** How often the server is asked, and after how long a silence it is said that it does not answer. */
const intervalMs = 1_000
const silenceMs = 3_000

/** How long another arbiter may take to come in place of one that has ended. */
const goneMs = 5_000
const searchMs = 250

export class Source {
  readonly #wanted: Wanted
  readonly #listener: Listener
  #instance: Instance
  #newArbiter: number | undefined
  #isClosed = false

  constructor(instance: Instance, wanted: Wanted, listener: Listener) {
    this.#instance = instance
    this.#wanted = wanted
    this.#listener = listener
    this.#newArbiter = instance.hello.new_arbiter ?? undefined
  }

  /** Resolves after `close`; rejects with a `Failure` when the server is gone for good. */
  async follow(): Promise<void> {
    while (!this.#isClosed) {
      await this.#attend()
      if (this.#isClosed) return
      this.#instance = await this.#findNext()
      this.#newArbiter = this.#instance.hello.new_arbiter ?? undefined
    }
  }

  async ask(command: string): Promise<unknown> {
    return clean(await this.#instance.client.ask(command))
  }

  close(): void {
    this.#isClosed = true
    this.#instance.client.close()
  }

  /** Asks until the connection ends. */
  async #attend(): Promise<void> {
    const { client } = this.#instance
    const { onAnswer, onEvent, onTrouble } = this.#listener
    const hear = (event: Event) => {
      if (event.type === 'new arbiter ready') this.#newArbiter = Number(event.pid)
      if (event.type === 'upgrade failed') this.#newArbiter = undefined
      onEvent(event)
    }
    // It ends with the connection, which the next question will say.
    client.ask('events', [], data => hear(clean(data as Event))).catch(() => undefined)
    try {
      for (;;) {
        const answer = await this.#asked(client.ask('show all'))
        onTrouble(undefined)
        onAnswer(clean(answer as Everything))
        await sleep(intervalMs, undefined, { ref: false })
      }
    } catch (error) {
      if (!(error instanceof Failure) || error.exit !== 'lost') throw error
    }
  }

  /** Says meanwhile for how long there was no answer, and rejects after the patience of who wants it. */
  async #asked(answer: Promise<unknown>): Promise<unknown> {
    const { patience } = this.#wanted
    const start = performance.now()
    const timer = setInterval(() => {
      const ms = performance.now() - start
      if (ms >= silenceMs)
        this.#listener.onTrouble(`The server has not answered for ${Math.floor(ms / 1_000)} s`)
    }, intervalMs)
    const late = new Failure('timeout', `The server has not answered for ${patience} s`)
    const inTime = patience === undefined ? answer : within(patience * 1_000, answer, late)
    return await inTime.finally(() => clearInterval(timer))
  }

  async #findNext(): Promise<Instance> {
    const { pid } = this.#instance.hello
    const start = performance.now()
    this.#listener.onTrouble(`The server is gone (pid ${pid}): looking for the one that takes its place`)
    while (performance.now() - start < goneMs && !this.#isClosed) {
      const next = await this.#newOne().catch(() => undefined)
      if (next !== undefined) return next
      await sleep(searchMs)
    }
    throw new Failure('lost', `The server is gone (pid ${pid}), and none has taken its place`)
  }

  /** The new arbiter of an upgrade, or a server that was started again with the same name. */
  async #newOne(): Promise<Instance | undefined> {
    const { client, hello } = this.#instance
    if (this.#newArbiter !== undefined) return await findNewArbiter(client.path, hello.pid, this.#newArbiter)
    const { socket, pidfile, pid, patience } = this.#wanted
    if (pid !== undefined) return undefined
    return await findOne({ socket, pidfile, name: hello.name, patience })
  }
}
