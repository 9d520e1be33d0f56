/** Tables in Markdown, and the generated parts of a page. */
import { readFileSync, writeFileSync } from 'node:fs'

/** The first column has text, the others numbers. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'))
  return [head, rule, ...rows].map(line).join('\n')
}

/** The page with another text between the two markers of this name. */
export function withGenerated(page: string, name: string, text: string): string {
  const [begin, end] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`]
  const [from, to] = [page.indexOf(begin), page.indexOf(end)]
  if (from === -1 || to < from) throw new Error(`The page has no ${begin} before an ${end}`)
  return `${page.slice(0, from + begin.length)}\n\n${text.trim()}\n\n${page.slice(to)}`
}

/** Puts texts into docs/benchmarks.md; throws at once if it has no place for them, not after a run of an hour. */
export function openPage(name: string): (text: string) => void {
  const place = new URL('../../../docs/benchmarks.md', import.meta.url)
  const changed = (text: string) => withGenerated(readFileSync(place, 'utf8'), name, text)
  changed('')
  return text => writeFileSync(place, changed(text))
}
