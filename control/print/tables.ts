/** Prints data for people: tables, colours. */
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
