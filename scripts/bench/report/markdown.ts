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

/** Puts a text into docs/benchmarks.md. */
export function writeGenerated(name: string, text: string): void {
  const page = new URL('../../../docs/benchmarks.md', import.meta.url)
  writeFileSync(page, withGenerated(readFileSync(page, 'utf8'), name, text))
}
