/** Draws small charts side by side, as one SVG that can be read in light and in dark. */

export interface Panel {
  readonly title: string
  readonly points: readonly (readonly [x: number, y: number])[]
}

const panel = { width: 280, height: 190, left: 56, right: 16, top: 34, bottom: 28 }
const columns = 3

const style = `text { font: 11px sans-serif; fill: #57606a }
.title { font-weight: bold; fill: #1f2328 }
path { fill: none; stroke-width: 1.5 }
.grid { stroke: #8884; stroke-width: 1 }
.line { stroke: #1f77b4 }
circle { fill: #1f77b4 }
.page { fill: #fff }
@media (prefers-color-scheme: dark) {
.page { fill: #0d1117 } text { fill: #9da7b3 } .title { fill: #e6edf3 } .line { stroke: #58a6ff } circle { fill: #58a6ff }
}`

/** All panels have the same kind of x, which is drawn by its logarithm; y begins at 0. */
export function charts(title: string, xName: string, panels: readonly Panel[]): string {
  const rows = Math.ceil(panels.length / columns)
  const [width, height] = [Math.min(columns, panels.length) * panel.width, rows * panel.height + 20]
  const drawn = panels.map((one, index) => {
    const [x, y] = [(index % columns) * panel.width, Math.floor(index / columns) * panel.height]
    return `<g transform="translate(${x} ${y})">\n${draw(one)}\n</g>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">
<style>
${style}
</style>
<rect class="page" width="${width}" height="${height}"/>
${drawn.join('\n')}
<text x="${width / 2}" y="${height - 8}" text-anchor="middle">${escaped(xName)}</text>
</svg>
`
}

function draw({ title, points }: Panel): string {
  const top = niceTop(Math.max(...points.map(([, y]) => y)))
  const first = Math.log(points[0]?.[0] ?? 1)
  const range = Math.log(points.at(-1)?.[0] ?? 1) - first || 1
  const xOf = (x: number) =>
    round(panel.left + ((Math.log(x) - first) / range) * (panel.width - panel.left - panel.right))
  const yOf = (y: number) =>
    round(panel.height - panel.bottom - (y / top) * (panel.height - panel.top - panel.bottom))
  const grid = [0, top / 2, top].map(
    y =>
      `<path class="grid" d="M${panel.left} ${yOf(y)}H${panel.width - panel.right}"/><text x="${panel.left - 6}" y="${yOf(y) + 4}" text-anchor="end">${short(y)}</text>`,
  )
  const names = points.map(
    ([x]) => `<text x="${xOf(x)}" y="${panel.height - 12}" text-anchor="middle">${short(x)}</text>`,
  )
  const line = points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${xOf(x)} ${yOf(y)}`).join('')
  return [
    `<text class="title" x="${panel.left}" y="18">${escaped(title)}</text>`,
    ...grid,
    ...names,
    `<path class="line" d="${line}"/>`,
    ...points.map(([x, y]) => `<circle cx="${xOf(x)}" cy="${yOf(y)}" r="2.5"/>`),
  ].join('\n')
}

/** The next of 1, 2, 5, 10, 20, ... */
export function niceTop(most: number): number {
  if (!(most > 0)) return 1
  const unit = 10 ** Math.floor(Math.log10(most))
  return ([1, 2, 5, 10].find(step => step * unit >= most) ?? 10) * unit
}

/** `1500` as `1.5k`. */
function short(value: number): string {
  const [number, unit] =
    value >= 1_000_000 ? [value / 1_000_000, 'M'] : value >= 1_000 ? [value / 1_000, 'k'] : [value, '']
  return `${Number(number.toPrecision(3))}${unit}`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
