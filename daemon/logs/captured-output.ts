/** Captures what a process prints, in whole lines. */
import type { Readable } from 'node:stream'

/** The length at which a line is broken, in characters. */
const longest = 64 * 1024

/** Passes on whole lines with their line ends; a line that looks like one of the log is indented. */
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
