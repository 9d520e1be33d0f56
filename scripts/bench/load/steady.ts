/**
 * A client of constant rate, in a process of its own, that knows which worker gave each answer:
 *
 *     node steady.ts '{ "target": ..., "rate": 800, "isFresh": false }'
 *
 * A message on its channel says that the workers are about to change. The reply, a `Change`, comes when all answers have
 * been those of new workers for a second, or after half a minute.
 */
import http from 'node:http'
import https from 'node:https'
import { percentile } from '../report/statistics.ts'
import { ask, type Target } from './target.ts'

export interface SteadyLoad {
  readonly target: Target
  /** Requests per second. */
  readonly rate: number
  readonly isFresh: boolean
}

/** What clients noticed of a change of the workers. */
export interface Change {
  /** Milliseconds to the first answer of a new worker, and to the last one of an old worker. */
  readonly firstNew: number | undefined
  readonly lastOld: number
  readonly requests: number
  readonly failed: number
  /** Milliseconds within which so many percent of the requests since the message were answered. */
  readonly p99: number
  readonly p999: number
}

const quietMs = 1_000
const longestMs = 30_000

/** A client is at most this part of a second behind. */
const mostBehind = 10

serve(JSON.parse(process.argv[2] ?? '') as SteadyLoad)

function serve({ target, rate, isFresh }: SteadyLoad): void {
  const { Agent } = target.protocol === 'http' ? http : https
  const agent = isFresh ? undefined : new Agent({ keepAlive: true })
  const known = new Set<string>()
  let change: Observation | undefined
  let sent = 0
  const began = performance.now()

  /** As many as are due by now. A client that is far behind sends less than asked for: it would never catch up. */
  setInterval(() => {
    const due = ((performance.now() - began) / 1_000) * rate
    sent = Math.max(sent, Math.floor(due - rate / mostBehind))
    for (; sent < due; sent += 1) request()
    if (change?.isOver(performance.now())) {
      process.send?.(change.result())
      change = undefined
    }
  }, 2)
  process.on('message', () => {
    change = new Observation(new Set(known), performance.now())
  })
  process.once('disconnect', () => process.exit())

  function request(): void {
    const start = performance.now()
    const during = change
    ask(target, '/worker', agent).then(
      ({ status, body }) => {
        if (status !== 200) return during?.fail()
        known.add(body)
        change?.hear(body, start, performance.now(), during === change)
      },
      () => during?.fail(),
    )
  }
}

class Observation {
  readonly #old: ReadonlySet<string>
  readonly #began: number
  readonly #latencies: number[] = []
  #failed = 0
  #firstNew: number | undefined
  #lastOld: number

  constructor(old: ReadonlySet<string>, began: number) {
    this.#old = old
    this.#began = began
    this.#lastOld = began
  }

  hear(worker: string, start: number, now: number, hasBegunDuring: boolean): void {
    if (hasBegunDuring) this.#latencies.push(now - start)
    if (this.#old.has(worker)) this.#lastOld = now
    else this.#firstNew ??= now
  }

  fail(): void {
    this.#failed += 1
  }

  isOver(now: number): boolean {
    const isReplaced = this.#firstNew !== undefined && now - Math.max(this.#firstNew, this.#lastOld) > quietMs
    return isReplaced || now - this.#began > longestMs
  }

  result(): Change {
    const sorted = this.#latencies.sort((a, b) => a - b)
    return {
      firstNew: this.#firstNew === undefined ? undefined : this.#firstNew - this.#began,
      lastOld: this.#lastOld - this.#began,
      requests: sorted.length + this.#failed,
      failed: this.#failed,
      p99: percentile(sorted, 0.99),
      p999: percentile(sorted, 0.999),
    }
  }
}
