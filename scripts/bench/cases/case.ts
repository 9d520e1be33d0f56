/** What a case of the benchmark is. */
import type { Setup, Side } from '../sides/setup.ts'
import type { FigureName, Figures } from './figures.ts'

/** How hard and how long servers are loaded. */
export interface Times {
  readonly connections: number
  /** Seconds that each load lasts, and that the server is warmed up before. */
  readonly seconds: number
  readonly warmUp: number
}

export interface Case {
  readonly title: string
  readonly setup: Setup
  readonly figures: readonly FigureName[]
  /** A case of the same side that it is compared with, where the limit does not have it. */
  readonly against?: string
  /** Packages of npm that it needs, with their versions. */
  readonly packages?: readonly string[]
  /** How many seconds a measurement takes, about. */
  lasts(times: Times): number
  /** Sides that cannot be measured although they could serve it; without it, none. */
  suits?(side: Side): boolean
  measure(side: Side, times: Times): Promise<Figures>
}
