/** The load: client processes, and the sum of their reports. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ClientOrder, Failure, FromClient, ToClient } from './client/client-messages.ts'
import { http2Kinds, kinds } from './client/kinds.ts'
import { excused, judge, type Killing, type Verdict } from './verdict.ts'

/** Further failures are counted, but not reported one by one. */
const mostTold = 50

/** One process each: together they load a server on two cores, and leave it some processor time. */
const turns = [0, 1]

export interface LoadOptions extends Pick<ClientOrder, 'tcp' | 'unix' | 'ca' | 'seed' | 'pause'> {
  readonly onFailure: (verdict: Verdict, failure: Failure) => void
  /** The kinds for a single client process; by default all kinds, in two processes. */
  readonly kinds?: readonly string[]
  /** Kinds that the server cannot serve. */
  readonly without?: readonly string[]
  /** Whether something done to the server explains a failure. */
  readonly explains?: (failure: Failure) => boolean
}

export class Load {
  /** Correctly answered requests, by kind. */
  readonly answered = new Map<string, number>()
  readonly verdicts = new Map<Verdict, number>()
  readonly killings: Killing[] = []
  total = 0
  #stoppedAt: number | undefined
  #told = 0
  #unwarned: number
  readonly #warned = Promise.withResolvers<void>()
  readonly #options: LoadOptions
  readonly #clients: readonly ChildProcess[]
  readonly #ended: Promise<unknown>

  constructor(options: LoadOptions) {
    this.#options = options
    const { onFailure: _, explains: __, kinds: chosen, without = [], ...order } = options
    const all = Object.keys(order.ca === undefined ? kinds : { ...kinds, ...http2Kinds })
    const names = chosen ?? all.filter(name => !without.includes(name))
    const processes = chosen === undefined ? turns : turns.slice(0, 1)
    const ofProcess = (turn: number) => names.filter((_, index) => index % processes.length === turn)
    this.#clients = processes.map(turn =>
      this.#start({ ...order, kinds: ofProcess(turn), firstId: 1 + turn * 1e9, seed: order.seed + turn }),
    )
    this.#unwarned = processes.length
    this.#ended = Promise.all(this.#clients.map(client => once(client, 'exit')))
  }

  /** Resolves when this many requests are answered; rejects when no client sends any more. */
  async reaches(total: number): Promise<void> {
    while (this.total < total) {
      if (this.#clients.every(({ connected }) => !connected)) throw new Error('The clients have stopped')
      await Promise.race([once(this.#clients[0]!, 'message'), this.#ended])
    }
  }

  /** Pauses the clients' requests, or resumes them. */
  hold(isHeld: boolean): void {
    this.#tell({ type: isHeld ? 'hold' : 'go on' })
  }

  /**
   * Tells all clients that the server is about to stop, and resolves when they know; from then on, refusals are no
   * losses.
   */
  async warn(): Promise<void> {
    this.#tell({ type: 'server stops' })
    await this.#warned.promise
    this.#stoppedAt = Date.now()
  }

  /** Resolves when all clients have finished. */
  async ends(): Promise<void> {
    await this.#ended
  }

  stop(): void {
    this.#tell({ type: 'stop' })
  }

  #start(order: ClientOrder): ChildProcess {
    const program = fileURLToPath(new URL('./client/client.ts', import.meta.url))
    const stdio = ['ignore', 'inherit', 'inherit', 'ipc'] as const
    const client = spawn(process.execPath, [program, JSON.stringify(order)], { stdio: [...stdio] })
    client.on('message', message => this.#hear(message as FromClient))
    return client
  }

  #tell(message: ToClient): void {
    for (const client of this.#clients) {
      // A client that has left needs no message.
      if (client.connected) client.send(message, () => undefined)
    }
  }

  #hear(message: FromClient): void {
    switch (message.type) {
      case 'answered':
        for (const [kind, count] of Object.entries(message.counts)) {
          this.answered.set(kind, (this.answered.get(kind) ?? 0) + count)
          this.total += count
        }
        return
      case 'failed':
        return this.#judge(message.failure)
      case 'warned':
        this.#unwarned -= 1
        if (this.#unwarned === 0) this.#warned.resolve()
    }
  }

  #judge(failure: Failure): void {
    const verdict = judge(failure, {
      killings: this.killings,
      stoppedAt: this.#stoppedAt,
      explains: this.#options.explains,
    })
    this.verdicts.set(verdict, (this.verdicts.get(verdict) ?? 0) + 1)
    if (excused.includes(verdict)) return
    this.#told += 1
    if (this.#told <= mostTold) this.#options.onFailure(verdict, failure)
  }
}
