/** Draws how autoscaling follows a simulated day of traffic, as an SVG for the documentation. */
import { dayOf, liveDay, type Moment } from '../../test/daemon/state/traffic.ts'

const width = 900
const height = 320
const margin = { left: 46, right: 12, top: 34, bottom: 30 }
const limits = { min: 2, max: 16, memory: 0 }

/** The seconds of a day that one point of the chart stands for: its highest values are drawn. */
const pointSeconds = 120

export function autoscaleChart(): string {
  const { moments, changes } = liveDay(dayOf(1), limits)
  const points = Array.from({ length: moments.length / pointSeconds }, (_, index) =>
    highest(moments.slice(index * pointSeconds, (index + 1) * pointSeconds)),
  )
  const most = Math.ceil(Math.max(...points.map(({ serving }) => serving)) + 0.5)
  const x = (index: number) =>
    round(margin.left + (index / points.length) * (width - margin.left - margin.right))
  const y = (value: number) =>
    round(height - margin.bottom - (value / most) * (height - margin.top - margin.bottom))
  const line = (value: (moment: Moment) => number) =>
    points.map((point, index) => `${index === 0 ? 'M' : 'L'}${x(index)} ${y(value(point))}`).join('')
  const hours = [0, 4, 8, 12, 16, 20, 24].map(
    hour =>
      `<text x="${x((hour / 24) * points.length)}" y="${height - 10}" text-anchor="middle">${hour}:00</text>`,
  )
  const numbers = Array.from({ length: Math.floor(most / 2) + 1 }, (_, index) => index * 2).map(
    value =>
      `<path class="grid" d="M${margin.left} ${y(value)}H${width - margin.right}"/><text x="${margin.left - 8}" y="${y(value) + 4}" text-anchor="end">${value}</text>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="A day of traffic, and the workers that serve it">
<style>
text { font: 12px sans-serif; fill: #57606a }
path { fill: none; stroke-width: 1.5 }
.grid { stroke: #8884; stroke-width: 1 }
.demand { stroke: #1f77b4 }
.serving { stroke: #d9730d }
rect { fill: #fff }
@media (prefers-color-scheme: dark) { rect { fill: #0d1117 } text { fill: #9da7b3 } }
</style>
<rect width="${width}" height="${height}"/>
${[...numbers, ...hours].join('\n')}
<path class="demand" d="${line(({ demand }) => demand)}"/>
<path class="serving" d="${line(({ serving }) => serving)}"/>
<path class="demand" d="M${margin.left} 16h20"/><text x="${margin.left + 26}" y="20">load, in workers that it keeps busy</text>
<path class="serving" d="M${margin.left + 260} 16h20"/><text x="${margin.left + 286}" y="20">workers that serve, ${changes} changes in 24 hours</text>
</svg>
`
}

function highest(moments: readonly Moment[]): Moment {
  return {
    demand: Math.max(...moments.map(({ demand }) => demand)),
    serving: Math.max(...moments.map(({ serving }) => serving)),
  }
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
