/** The table of workers: as many columns as fit. */
import { type Column, stateStyle, table } from '../print/tables.ts'
import { delayText, duration, mebibytes, milliseconds, percent, rateText } from '../print/units.ts'
import type { Load } from './model.ts'

interface TopColumn extends Column<Load> {
  /** Columns keep their place while values change. */
  readonly width: number
  /** Where it stands among those that may be left out, 1 first; the others stay. */
  readonly drop?: number
}

const columns: readonly TopColumn[] = [
  number('AGE', 3, undefined, ({ worker }) => `${worker.age}`),
  number('PID', 7, 1, ({ worker }) => `${worker.pid ?? '-'}`),
  {
    title: 'STATE',
    width: 8,
    text: ({ worker }) => worker.state,
    style: ({ worker }) => stateStyle(worker.state),
  },
  number('GEN', 3, 6, ({ worker }) => `${worker.generation}`),
  number('UPTIME', 10, 2, ({ worker }) => duration(worker.uptime)),
  number('CONN', 4, 5, ({ worker }) => `${worker.connections}`),
  number('FLIGHT', 6, 9, ({ worker }) => `${worker.in_flight}`),
  number('REQ/S', 6, undefined, ({ rate }) => rateText(rate)),
  number('P50', 8, 3, ({ p50 }) => milliseconds(p50)),
  number('P99', 9, 10, ({ p99 }) => milliseconds(p99)),
  number('DELAY', 6, 4, ({ delay }) => delayText(delay)),
  number('CPU', 5, 8, ({ cpu }) => (cpu === null ? '-' : percent(cpu))),
  number('MEMORY', 9, 7, ({ worker }) => mebibytes(worker.rss)),
]

function number(
  title: string,
  width: number,
  drop: number | undefined,
  text: Column<Load>['text'],
): TopColumn {
  return { title, width, text, side: 'right', ...(drop === undefined ? {} : { drop }) }
}

/** The lines of the table, its titles first. */
export function workerLines(loads: readonly Load[], width: number): readonly string[] {
  const droppable = columns.flatMap(({ drop }) => drop ?? []).sort((a, b) => a - b)
  for (const dropped of [0, ...droppable]) {
    const left = columns.filter(({ drop = Number.POSITIVE_INFINITY }) => drop > dropped)
    for (const gap of ['  ', ' ']) if (widthOf(loads, left, gap) <= width) return linesOf(loads, left, gap)
  }
  return linesOf(
    loads,
    columns.filter(({ drop }) => drop === undefined),
    ' ',
  )
}

function widthOf(loads: readonly Load[], shown: readonly TopColumn[], gap: string): number {
  const widths = shown.map(({ width, text }) => Math.max(width, ...loads.map(load => text(load).length)))
  return widths.reduce((sum, width) => sum + width, gap.length * (shown.length - 1))
}

function linesOf(loads: readonly Load[], shown: readonly TopColumn[], gap: string): readonly string[] {
  const fixed = shown.map(({ side, title, width, ...rest }) => ({
    ...rest,
    title: side === 'right' ? title.padStart(width) : title.padEnd(width),
    ...(side === undefined ? {} : { side }),
  }))
  return table(loads, fixed, gap).split('\n')
}
