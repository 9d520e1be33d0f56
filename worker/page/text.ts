/** The error as plain text, for terminals and programs. */
import type { Report } from './report.ts'

export function textOf({ heading, message, where, excerpt, stack }: Report): string {
  const width = String(excerpt?.at(-1)?.number ?? 0).length
  const lines = (excerpt ?? []).flatMap(({ number, text, mark }) => {
    const line = `${mark === undefined ? ' ' : '>'} ${String(number).padStart(width)} | ${text}`
    if (mark?.column === undefined) return [line.trimEnd()]
    return [line, `  ${' '.repeat(width)} | ${padding(text, mark.column)}^`]
  })
  const frames = stack.map(({ text }) => `    ${text}`)
  const parts = [[heading], [message], where === undefined ? [] : [where], lines, frames, [waiting]]
  return parts.flatMap(part => (part.length === 0 ? [] : [part.join('\n'), ''])).join('\n')
}

const waiting = 'The server waits for a change.'

/** What is as wide as the text before a column. */
export function padding(text: string, column: number): string {
  return text.slice(0, column - 1).replace(/[^\t]/g, ' ')
}
