/** The error as a page: complete in itself, and everything that others wrote is escaped. */
import { createHash } from 'node:crypto'
import type { Frame } from './failure.ts'
import type { Report } from './report.ts'
import { script } from './script.ts'
import type { ExcerptLine } from './source.ts'
import { style } from './style.ts'
import { padding } from './text.ts'

const hashOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

/** Nothing is loaded, nothing but these two texts is run or applied, and only this server is asked. */
export const contentSecurityPolicy = [
  `default-src 'none'`,
  `script-src ${hashOf(script)}`,
  `style-src ${hashOf(style)}`,
  `connect-src 'self'`,
  'img-src data:',
  `base-uri 'none'`,
  `form-action 'none'`,
  `frame-ancestors 'self'`,
].join('; ')

/** `id` names this page among all: its script compares it. */
export function htmlOf({ heading, app, message, where, excerpt, stack }: Report, id: string): string {
  const [first = '', ...more] = message.split('\n')
  return `<!doctype html>
<html lang="en" data-page="${escapeHtml(id)}">
<head>
<meta charset="utf-8">
<title>${escapeHtml(`${heading}: ${app}`)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<main>
<p class="heading">${escapeHtml(heading)} <span>${escapeHtml(app)}</span></p>
<h1>${escapeHtml(first)}</h1>
${more.length === 0 ? '' : `<pre class="more" tabindex="0">${escapeHtml(more.join('\n'))}</pre>\n`}${where === undefined ? '' : `<p class="where">${escapeHtml(where)}</p>\n`}${excerptOf(excerpt)}${stackOf(stack)}<p class="state" role="status">Waiting for a change</p>
</main>
<script>${script}</script>
</body>
</html>
`
}

function excerptOf(excerpt: readonly ExcerptLine[] | undefined): string {
  if (excerpt === undefined) return ''
  const width = String(excerpt.at(-1)?.number).length
  const lines = excerpt.map(({ number, text, mark }) => {
    const line = `<i>${String(number).padStart(width)}</i> ${escapeHtml(text)}`
    if (mark === undefined) return line
    const caret =
      mark.column === undefined ? '' : `\n<i>${' '.repeat(width)}</i> <b>${padding(text, mark.column)}^</b>`
    return `<mark>${line}${caret}</mark>`
  })
  return `<pre class="excerpt" tabindex="0">${lines.join('\n')}</pre>\n`
}

/** Frames of others that follow each other are folded together. */
function stackOf(stack: readonly Frame[]): string {
  const groups: Frame[][] = []
  for (const frame of stack) {
    const last = groups.at(-1)
    if (last?.[0]?.isForeign === frame.isForeign) last.push(frame)
    else groups.push([frame])
  }
  return groups.map(groupOf).join('')
}

function groupOf(frames: readonly Frame[]): string {
  const lines = `<pre class="stack" tabindex="0">${frames.map(({ text }) => escapeHtml(text)).join('\n')}</pre>\n`
  if (frames[0]?.isForeign !== true) return lines
  const count = frames.length === 1 ? '1 frame' : `${frames.length} frames`
  return `<details><summary>${count} of packages and of Node</summary>\n${lines}</details>\n`
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, one => entities[one] as string)
}
