/** Logs which draining workers hold up a new one, and what they still have to finish. */
import { monotonicNow, type ScoreRecord } from '../../worker/protocol/scoreboard.ts'
import { count } from '../state/count.ts'
import type { Wait } from '../state/stragglers.ts'
import type { ErrorLog } from './error-log.ts'

export class Waits {
  readonly #log: Pick<ErrorLog, 'info'>
  readonly #records: () => ReadonlyMap<number, ScoreRecord>
  #told: ReadonlySet<number> = new Set()

  constructor(log: Pick<ErrorLog, 'info'>, records: () => ReadonlyMap<number, ScoreRecord>) {
    this.#log = log
    this.#records = records
  }

  /** Logs each wait once. */
  tell(waits: readonly Wait[]): void {
    const news = waits.filter(({ age }) => !this.#told.has(age))
    this.#told = new Set(waits.map(({ age }) => age))
    if (news.length === 0) return
    const records = this.#records()
    for (const { age, until } of news) {
      const connections = count(records.get(age)?.connections ?? 0, 'connection')
      const seconds = Math.max(0, (until - monotonicNow()) / 1_000).toFixed(1)
      this.#log.info(`Waiting for worker ${age}: ${connections}, ${seconds} s at most`)
    }
  }
}
