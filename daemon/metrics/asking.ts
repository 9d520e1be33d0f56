/** Asks workers for what their app has measured, few at a time: what they answer has to be kept until it is read. */
import { setTimeout as sleep } from 'node:timers/promises'
import { measureMs } from '../../worker/protocol/app-metrics.ts'
import type { ToWorker } from '../../worker/protocol/messages.ts'
import type { WorkerState } from '../state/worker-state.ts'

export interface MeasuredWorker {
  readonly age: number
  readonly state: WorkerState
  send(message: ToWorker): void
}

/** How many workers may be asked and have not answered. */
export const mostAsked = 64

/** How much longer than a worker needs to wait for its answer, in milliseconds. */
const slackMs = 200

interface Round {
  readonly turn: number
  readonly left: MeasuredWorker[]
  /** By age. */
  readonly open: Set<number>
  readonly done: () => void
}

export class Asking {
  /** The number of the last question. */
  turn = 0
  #round: Round | undefined
  /** Those that have not answered the last question, and those that it has not come to. */
  #late: ReadonlySet<number> = new Set()
  #unasked: ReadonlySet<number> = new Set()

  /** Asks those that serve, and waits for their answers, but for those of workers that are stuck. */
  async ask(workers: readonly MeasuredWorker[]): Promise<void> {
    const serving = workers.filter(({ state }) => state === 'ready' || state === 'draining')
    this.turn += 1
    this.#round?.done()
    const { promise, resolve } = Promise.withResolvers<void>()
    const round = { turn: this.turn, left: this.#inOrder(serving), open: new Set<number>(), done: resolve }
    this.#round = round
    this.#goOn(round)
    const late = new AbortController()
    const end = sleep(measureMs + slackMs, undefined, { signal: late.signal }).catch(() => undefined)
    await Promise.race([promise, end])
    late.abort()
    if (this.#round !== round) return
    this.#round = undefined
    this.#late = round.open
    this.#unasked = new Set(round.left.map(({ age }) => age))
  }

  /** This worker has answered, or will not. */
  answered(age: number): void {
    const round = this.#round
    if (round?.open.delete(age)) this.#goOn(round)
  }

  /** Those that are stuck hold up the others least when they are last. */
  #inOrder(workers: readonly MeasuredWorker[]): MeasuredWorker[] {
    const rank = ({ age }: MeasuredWorker) => (this.#late.has(age) ? 2 : this.#unasked.has(age) ? 0 : 1)
    return workers.toSorted((a, b) => rank(a) - rank(b))
  }

  #goOn({ turn, left, open, done }: Round): void {
    while (open.size < mostAsked) {
      const worker = left.shift()
      if (worker === undefined) break
      open.add(worker.age)
      worker.send({ type: 'measure', turn })
    }
    if (open.size === 0) done()
  }
}
