/** What a process prints, in whole lines. */
import type { Readable } from 'node:stream'

/** A line that is longer than this is broken. */
const longest = 64 * 1024

/** Hands over whole lines, each with its line end, as they come; one that looks like a line of the log is indented. */
export function captureLines(stream: Readable, take: (lines: string) => void): void {
  const put = (lines: string) => take(lines.replace(/^(?=\[\d{4}-\d\d-\d\d )/gm, '  '))
  let rest = ''
  stream.setEncoding('utf8').on('data', (text: string) => {
    const all = rest + text
    const end = all.lastIndexOf('\n') + 1
    rest = all.slice(end)
    if (end > 0) put(all.slice(0, end))
    if (rest.length > longest) breakLine()
  })
  stream.once('close', () => {
    if (rest !== '') breakLine()
  })

  function breakLine(): void {
    put(`${rest}\n`)
    rest = ''
  }
}
