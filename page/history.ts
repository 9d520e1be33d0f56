/** What the charts show: from the answers of the server to values over time. Depends on its arguments only. */

import type { Everything } from '../control/protocol/messages.ts'
import { type Load, loadsOf, type Totals, totalsOf, withAnswer } from '../control/top/model.ts'

/** A moment. */
export interface Point {
  /** Seconds since 1970. */
  readonly at: number
  readonly totals: Totals
  /** Of two workers with the same index, the younger one. */
  readonly byIndex: ReadonlyMap<number, Load>
  /** Workers that serve or are about to, and those that drain, by generation. */
  readonly generations: ReadonlyMap<number, number>
}

export interface History {
  /** The last answers, for what is a difference between two. */
  readonly answers: readonly Everything[]
  readonly loads: readonly Load[]
  /** Oldest first; undefined stands for a gap in which there was no answer. */
  readonly points: readonly (Point | undefined)[]
}

/** How far back it goes, and after how long without an answer there is a gap, in seconds. */
export const longestSeconds = 600
const gapSeconds = 6

export const noHistory: History = { answers: [], loads: [], points: [] }

/** With an answer that came `at` this time. */
export function withPoint({ answers, points }: History, answer: Everything, at: number): History {
  const known = withAnswer(answers, answer)
  const loads = loadsOf(known)
  const point = { at, totals: totalsOf(known), byIndex: youngest(loads), generations: generationsOf(loads) }
  const last = points.at(-1)?.at
  const gap = last !== undefined && at - last > gapSeconds ? [undefined] : []
  const kept = points.filter((old, index) => (old ?? points[index + 1] ?? point).at > at - longestSeconds)
  const all = [...kept, ...gap, point]
  return { answers: known, loads, points: all.slice(all.findIndex(one => one !== undefined)) }
}

function youngest(loads: readonly Load[]): ReadonlyMap<number, Load> {
  return new Map(loads.toSorted((a, b) => a.worker.age - b.worker.age).map(load => [load.worker.index, load]))
}

function generationsOf(loads: readonly Load[]): ReadonlyMap<number, number> {
  const counts = new Map<number, number>()
  for (const { worker } of loads) counts.set(worker.generation, (counts.get(worker.generation) ?? 0) + 1)
  return counts
}

/** A line of a chart. */
export interface Line {
  readonly label: string
  readonly values: readonly (number | null)[]
}

/** When the values of the lines are, in seconds since 1970. A gap is a moment after the point before it. */
export function timesOf({ points }: History): readonly number[] {
  return points.map((point, index) => point?.at ?? (points[index - 1] as Point).at + 0.5)
}

export function totalLine(
  { points }: History,
  label: string,
  value: (totals: Totals) => number | null,
): Line {
  return { label, values: points.map(point => (point === undefined ? null : value(point.totals))) }
}

/** More lines than this cannot be told apart. */
const mostLines = 8

/** A line for each index of workers; where there are too many, the highest, the middle and the lowest value of all. */
export function workerLines({ points }: History, value: (load: Load) => number | null): readonly Line[] {
  const indices = [...new Set(points.flatMap(point => [...(point?.byIndex.keys() ?? [])]))].sort(
    (a, b) => a - b,
  )
  if (indices.length <= mostLines)
    return indices.map(index => ({
      label: `#${index}`,
      values: points.map(point => known(point?.byIndex.get(index), value)),
    }))
  const sorted = points.map(point =>
    [...(point?.byIndex.values() ?? [])].flatMap(load => value(load) ?? []).sort((a, b) => a - b),
  )
  const at = (share: number) => sorted.map(values => values[Math.floor((values.length - 1) * share)] ?? null)
  return [
    { label: 'highest', values: at(1) },
    { label: 'median', values: at(0.5) },
    { label: 'lowest', values: at(0) },
  ]
}

function known(load: Load | undefined, value: (load: Load) => number | null): number | null {
  return load === undefined ? null : value(load)
}

/** How many generations are told apart, newest first. */
const mostGenerations = 6

/** Workers by generation, newest first. */
export function generationLines({ points }: History): readonly Line[] {
  const all = [...new Set(points.flatMap(point => [...(point?.generations.keys() ?? [])]))]
  const shown = all.sort((a, b) => b - a).slice(0, mostGenerations)
  return shown.map(generation => ({
    label: `generation ${generation}`,
    values: points.map(point => (point === undefined ? null : (point.generations.get(generation) ?? 0))),
  }))
}

/** The same lines on top of each other: the first one is the lowest. */
export function stacked(lines: readonly Line[]): readonly Line[] {
  const sums: (number | null)[] = []
  return lines.map(({ label, values }) => ({
    label,
    values: values.map((value, index) => {
      sums[index] = value === null ? null : value + (sums[index] ?? 0)
      return sums[index]
    }),
  }))
}
