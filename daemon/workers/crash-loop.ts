/** Decides after worker exits how long the next start waits and how many workers may boot, and logs it. */
import { monotonicNow, type ScoreRecord, servedBy } from '../../worker/protocol/scoreboard.ts'
import type { ErrorLog } from '../logs/error-log.ts'
import { extend, nextStart, noStreak, paced, type Survivor } from '../state/back-off.ts'
import { isLeaving } from '../state/worker-state.ts'
import { whyNoWorker } from '../system/worker-command.ts'
import type { Child } from './worker-handle.ts'

/** After this many early exits in a row, only every tenth is logged. */
const manyExits = 10

export interface CrashLoopParts {
  readonly log: ErrorLog
  /** How many workers may boot at the same time. */
  readonly boots: number
  /** The workers that are not leaving. */
  readonly survivors: () => readonly Survivor[]
}

export class CrashLoop {
  readonly #log: ErrorLog
  readonly #boots: number
  readonly #survivors: () => readonly Survivor[]
  #streak = noStreak

  constructor({ log, boots, survivors }: CrashLoopParts) {
    this.#log = log
    this.#boots = boots
    this.#survivors = survivors
  }

  /** Several workers in a row exited early: the log has said why. */
  get isOn(): boolean {
    return this.#streak.earlyExits >= 2
  }

  /** Ends the streak: the next workers run something else. */
  end(): void {
    this.#streak = noStreak
  }

  /** Call it when a worker has ended that served and was started at `born`. */
  pace(born: number): void {
    this.#streak = paced(monotonicNow(), born)
  }

  /** Makes the next worker wait, after one that exited early for this reason. */
  backOff(reason: string): void {
    const now = monotonicNow()
    const survivors = this.#survivors()
    this.#streak = extend(this.#streak, now, survivors, Math.random())
    const { earlyExits } = this.#streak
    if (earlyExits === 1 || (earlyExits > manyExits && earlyExits % manyExits !== 0)) return
    const isServing = survivors.some(({ isReady }) => isReady)
    const wait = ((nextStart(this.#streak, isServing) - now) / 1_000).toFixed(1)
    this.#log.warning(
      `${earlyExits} workers in a row ended early: the next one starts in ${wait} s: ${reason}`,
    )
    if (isServing) return
    const cure = whyNoWorker() ?? 'fix the app'
    this.#log.error(
      `No worker serves: requests wait in the queue: ${cure}, then run kill -HUP ${process.pid}`,
    )
  }

  /** When the next worker may be started; `ready` has the start times of the workers that serve. */
  startAfter(ready: readonly number[]): number {
    return nextStart(this.#streak, ready.length > 0)
  }

  /** How many workers may boot at the same time: in a crash loop, a single one tries first. */
  boots(ready: readonly number[]): number {
    return this.isOn && !ready.some(born => born >= this.#streak.since) ? 1 : this.#boots
  }
}

/** The workers that are not leaving, with what their scoreboard records say. */
export function survivorsOf(
  workers: readonly Child[],
  records: ReadonlyMap<number, ScoreRecord>,
): readonly Survivor[] {
  return workers
    .filter(({ state, killed }) => !isLeaving(state) && !killed)
    .map(({ age, born, state }) => {
      const record = records.get(age)
      return { born, isReady: state === 'ready', served: record !== undefined && servedBy(record) > 0 }
    })
}
