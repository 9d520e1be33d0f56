/** What the plan decides from: the workers there are, and what is wanted. */
import type { Limits, TimedWorker } from './deadlines.ts'

/** A worker, as far as planning is concerned. */
export interface PlannedWorker extends TimedWorker {
  /** Its place among the wanted workers, from 0; its successor gets the same one. */
  readonly index: number
  /** It asked for a successor. */
  readonly needsRecycling: boolean
  /** Its process has ended; it is reaped when its last words have arrived. */
  readonly isGone: boolean
}

export interface World {
  readonly now: number
  /** `soon`: no worker is started any more, and none is asked to leave before `stopAt`. */
  readonly stopping: 'no' | 'soon' | 'gracefully' | 'quickly'
  /** When an announced stop begins. */
  readonly stopAt: number
  readonly wanted: number
  /** The generation that every worker should be of. */
  readonly generation: number
  /** How many more than wanted may be alive while one generation replaces another. */
  readonly surge: number
  /** How many may boot at the same time. */
  readonly boots: number
  /** How long the last old worker stays after all new ones are ready, in case one of them fails, in milliseconds. */
  readonly bake: number
  /** The last generation whose workers were all ready. */
  readonly lastGood: number | undefined
  /** Another generation is being prepared, and may fail. */
  readonly undecided: boolean
  /** Workers that asked for a successor get one: not while one generation replaces another. */
  readonly recycles: boolean
  /** No worker is spawned before this time: the back-off after early exits. */
  readonly spawnAfter: number
  readonly workers: readonly PlannedWorker[]
  /** The limits of a generation's workers: a new generation on trial must not change those of the old one. */
  limitsOf(generation: number): Limits
  /** Whether that generation only shows an error, until any other worker serves. */
  showsError(generation: number): boolean
  /** The addresses that a generation's workers accept on. */
  addressesOf(generation: number): readonly string[]
}
