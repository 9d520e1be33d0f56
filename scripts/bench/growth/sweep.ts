/** What grows, and what is measured of it. */
export interface Sweep {
  readonly title: string
  /** What the points count. */
  readonly unit: string
  readonly points: readonly number[]
  /** How many seconds all points take, about. */
  lasts(seconds: number): number
  /** Calls `done` after each point. */
  run(seconds: number, done: (point: number, values: Values) => void): Promise<void>
}

/** By the title of the figure. */
export type Values = Readonly<Record<string, number>>
