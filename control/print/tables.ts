/** Prints data for people: tables, units, colours. */
import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

/** A column: its title, the text of a cell, and on which side the text is. */
export interface Column<Row> {
  readonly title: string
  readonly text: (row: Row) => string
  readonly side?: 'left' | 'right'
  /** Only for terminals. */
  readonly style?: (row: Row) => Style | undefined
}

export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], gap = '  '): string {
  const cells = rows.map(row => columns.map(({ text }) => text(row)))
  const widths = columns.map(({ title }, at) =>
    Math.max(title.length, ...cells.map(row => (row[at] as string).length)),
  )
  const pad = (text: string, at: number) =>
    columns[at]?.side === 'right' ? text.padStart(widths[at] as number) : text.padEnd(widths[at] as number)
  const head = columns.map(({ title }, at) => styled('bold', pad(title, at))).join(gap)
  const body = rows.map((row, y) =>
    columns.map(({ style }, x) => styled(style?.(row), pad(cells[y]?.[x] as string, x))).join(gap),
  )
  return [head, ...body].map(line => line.trimEnd()).join('\n')
}

/** Plain unless the output is a terminal that shows colours; `NO_COLOR` is respected. */
export function styled(style: Style | undefined, text: string): string {
  return style === undefined || !process.stdout.isTTY ? text : styleText(style, text)
}

/** The style of a state or a phase. */
export function stateStyle(state: string): Style | undefined {
  if (state === 'ready' || state === 'running') return 'green'
  return ['stopping', 'killed', 'exited', 'waiting'].includes(state) ? 'red' : 'yellow'
}

/** `3 d 4 h`, `5 min 2 s`, `1.2 s` */
export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  const units = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
    [1, 's'],
  ] as const
  const at = units.findIndex(([size]) => seconds >= size)
  const [large, small] = [units[at] as (typeof units)[number], units[at + 1] as (typeof units)[number]]
  const rest = Math.floor((seconds % large[0]) / small[0])
  return `${Math.floor(seconds / large[0])} ${large[1]}${rest > 0 ? ` ${rest} ${small[1]}` : ''}`
}

/** A share of one, such as `34 %`. */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`
}
