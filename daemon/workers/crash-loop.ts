/** What the deaths of workers mean for the next start: how long it waits, how many may boot, and what the log says. */
import { monotonicNow, type ScoreRecord, servedBy } from '../../worker/protocol/scoreboard.ts'
import type { ErrorLog } from '../logs/error-log.ts'
import { extend, nextStart, noStreak, paced, type Survivor } from '../state/back-off.ts'
import type { Child } from './worker-handle.ts'

/** From this death in a row on, one line in ten is enough. */
const manyDeaths = 10

export class CrashLoop {
  readonly #log: ErrorLog
  readonly #survivors: () => readonly Survivor[]
  #streak = noStreak

  /** `survivors` are those of the workers that are not on their way out. */
  constructor(log: ErrorLog, survivors: () => readonly Survivor[]) {
    this.#log = log
    this.#survivors = survivors
  }

  /** Several workers in a row ended early: what is said about each of them is known by now. */
  get isOn(): boolean {
    return this.#streak.earlyExits >= 2
  }

  /** What is started from now on is something else. */
  end(): void {
    this.#streak = noStreak
  }

  /** A worker has ended, started at `born`, that could run: it served. */
  pace(born: number): void {
    this.#streak = paced(monotonicNow(), born)
  }

  /** Lets the next worker wait, after one that early exit for this reason. */
  backOff(reason: string): void {
    const now = monotonicNow()
    const survivors = this.#survivors()
    this.#streak = extend(this.#streak, now, survivors, Math.random())
    const { earlyExits } = this.#streak
    if (earlyExits === 1 || (earlyExits > manyDeaths && earlyExits % manyDeaths !== 0)) return
    const isServing = survivors.some(({ isReady }) => isReady)
    const wait = ((nextStart(this.#streak, isServing) - now) / 1_000).toFixed(1)
    this.#log.warning(
      `${earlyExits} workers in a row ended early: the next one starts in ${wait} s: ${reason}`,
    )
    if (isServing) return
    this.#log.error(
      `No worker serves: requests wait in the queue: mend the app, then kill -HUP ${process.pid}`,
    )
  }

  /** When the next worker may be started; `ready` are the starting times of those that serve. */
  startAfter(ready: readonly number[]): number {
    return nextStart(this.#streak, ready.length > 0)
  }

  /** How many of `most` may boot at the same time: one tries first whether a worker can run again. */
  boots(most: number, ready: readonly number[]): number {
    return this.isOn && !ready.some(born => born >= this.#streak.since) ? 1 : most
  }
}

/** Those that are not on their way out, by their records on the scoreboard. */
export function survivorsOf(
  workers: readonly Child[],
  records: ReadonlyMap<number, ScoreRecord>,
): readonly Survivor[] {
  return workers
    .filter(({ state, killed }) => state !== 'draining' && !killed)
    .map(({ age, born, state }) => {
      const record = records.get(age)
      return { born, isReady: state === 'ready', served: record !== undefined && servedBy(record) > 0 }
    })
}
