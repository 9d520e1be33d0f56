/** Measures the load about once a second where `workers` is a range, and says how many workers it needs. */
import type { Resolved } from '../../config/resolve/resolve.ts'
import { monotonicNow, type ScoreRecord } from '../../worker/protocol/scoreboard.ts'
import type { ErrorLog } from '../logs/error-log.ts'
import { followBacklog } from '../sockets/backlog.ts'
import type { Listener } from '../sockets/sockets.ts'
import { judge, type LoadSample, newHistory } from '../state/autoscale.ts'
import type { PlannedWorker } from '../state/world.ts'

export interface LoadEvent {
  readonly type: 'queues measured'
  /** How many connections wait to be accepted. */
  readonly queued: number
}

interface Followed {
  readonly resolved: Resolved
  readonly listeners: readonly Listener[]
}

export interface AutoscalerParts {
  readonly put: (event: LoadEvent) => void
  readonly log: Pick<ErrorLog, 'info' | 'error'>
  readonly workers: () => readonly PlannedWorker[]
  readonly records: () => ReadonlyMap<number, ScoreRecord>
}

export class Autoscaler {
  readonly #parts: AutoscalerParts
  #history = newHistory(monotonicNow())
  #stopMeasuring: () => void = () => undefined

  constructor(parts: AutoscalerParts) {
    this.#parts = parts
  }

  /** Measures the queues of this generation from now on, if its configuration asks for it. */
  follow({ resolved, listeners }: Followed): void {
    this.close()
    const { min, max } = resolved.parsed.workers
    if (min === max) return
    const { put, log } = this.#parts
    this.#stopMeasuring = followBacklog(
      listeners,
      (queued = 0) => put({ type: 'queues measured', queued }),
      ({ message }) => log.error(`Cannot measure the queues: ${message}`),
    )
  }

  /** How many workers are to serve instead of `wanted`. */
  judge(queued: number, wanted: number, { parsed, settings }: Resolved): number {
    const limits = { ...parsed.workers, memory: settings.max_total_memory }
    const judgement = judge(this.#history, this.#sample(queued), wanted, limits)
    this.#history = judgement.history
    if (judgement.why !== undefined)
      this.#parts.log.info(`Autoscale: ${wanted} to ${judgement.wanted} workers: ${judgement.why}`)
    return judgement.wanted
  }

  #sample(queued: number): LoadSample {
    const records = this.#parts.records()
    const serving = this.#parts.workers().filter(({ state }) => state === 'ready')
    const busy = serving.reduce((sum, { age }) => sum + (records.get(age)?.utilization ?? 0), 0)
    const memory = [...records.values()].reduce((sum, { rss }) => sum + rss, 0)
    return {
      now: monotonicNow(),
      serving: serving.length,
      busy: busy / Math.max(1, serving.length),
      queued,
      memory,
    }
  }

  close(): void {
    this.#stopMeasuring()
  }
}
