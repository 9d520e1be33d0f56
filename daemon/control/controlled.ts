/** What the control socket needs of the arbiter. */
import type { Resolved } from '../../config/resolve/resolve.ts'
import type { ScoreRecord } from '../../worker/protocol/scoreboard.ts'
import type { Generations } from '../generation/generations.ts'
import type { ErrorLog } from '../logs/error-log.ts'
import type { Journal } from '../logs/journal.ts'
import type { RecentLines } from '../logs/recent-lines.ts'
import type { Upgrader } from '../process/upgrader.ts'
import type { Phase, SignalName } from '../state/phase.ts'
import type { Scale } from '../state/scale.ts'
import type { Fleet } from '../workers/fleet.ts'

/** The server, to look at. */
export interface ControlledServer {
  readonly phase: Phase
  readonly scale: Scale
  readonly resolved: Resolved
  readonly fleet: Fleet
  readonly generations: Generations
  readonly upgrader: Upgrader
  readonly journal: Journal
  readonly log: ErrorLog
  /** Why the last reload failed, in one line. */
  readonly failure: string | undefined
  /** When it was started, in milliseconds of the monotonic clock. */
  readonly startedAt: number
  /** The scoreboard, by age of the workers. */
  records(): ReadonlyMap<number, ScoreRecord>
}

/** What a client has asked for; runs in a turn of the arbiter's loop. */
export type Command = (controls: Controls) => void

/** What a client may have done to it. */
export interface Controls {
  readonly server: ControlledServer
  /** The number of the newest reload. */
  readonly reload: number
  readonly version: string
  readonly recentLines: RecentLines
  /** Does what the signal does; returns why that is nothing, or undefined. */
  signal(name: SignalName): string | undefined
  /** Wants this many workers, at least one; returns why not, or undefined. */
  scaleTo(wanted: number): string | undefined
}
