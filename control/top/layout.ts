/** Shares the lines of a terminal among the parts of a view. */
import { stripVTControlCharacters } from 'node:util'

/** A part of a view. Parts come in the order of their importance, and stand at their `place`. */
export interface Part {
  readonly place: number
  readonly lines: readonly string[]
  /** With fewer lines than this, it is of no use, unless it has no more. */
  readonly least: number
  /** Which lines stay if not all of them fit. */
  readonly cut: (lines: readonly string[], height: number) => readonly string[]
}

/** The lines of a view of this height. */
export function stack(parts: readonly Part[], height: number): readonly string[] {
  const heights = parts.map(() => 0)
  let left = height
  const give = (at: number, lines: number) => {
    heights[at] = (heights[at] as number) + lines
    left -= lines
  }
  for (const [at, { lines, least }] of parts.entries()) {
    const needed = Math.min(least, lines.length)
    if (needed <= left) give(at, needed)
  }
  for (const [at, { lines, least }] of parts.entries()) {
    const isShown = heights[at] === Math.min(least, lines.length)
    if (isShown) give(at, Math.min(left, lines.length - (heights[at] as number)))
  }
  return parts
    .map((part, at) => ({ ...part, height: heights[at] as number }))
    .filter(part => part.height > 0)
    .sort((a, b) => a.place - b.place)
    .flatMap(({ lines, cut, height: own }) => (own < lines.length ? cut(lines, own) : lines))
}

export function first(lines: readonly string[], height: number): readonly string[] {
  return lines.slice(0, height)
}

export function last(lines: readonly string[], height: number): readonly string[] {
  return lines.slice(lines.length - height)
}

/** As many of the texts as fit into this width, in their order. */
export function joined(texts: readonly string[], width: number): string {
  const gap = '   '
  let text = ''
  for (const next of texts) {
    const longer = text === '' ? next : `${text}${gap}${next}`
    if (stripVTControlCharacters(longer).length > width && text !== '') break
    text = longer
  }
  return text
}

const bars = '▁▂▃▄▅▆▇█'

/** The last values as bars, the highest of them as high as a line. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = values.slice(Math.max(0, values.length - width))
  const most = Math.max(...shown)
  const bar = (value: number) => bars[most > 0 ? Math.round((value / most) * (bars.length - 1)) : 0] as string
  return shown.map(bar).join('').padStart(width)
}
