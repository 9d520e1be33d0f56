/**
 * Measures how the cost of tsicorn grows with workers, connections and reloads; prints tables in Markdown.
 *
 *     npm run bench:growth -- [--sweeps workers,connections,reloads,limits] [--seconds 3] [--up-to 64] [--write]
 *
 * `--write` draws charts into docs/, and puts the tables into docs/benchmarks.md. `--up-to` leaves out larger points.
 * The sweep `limits` goes on to a thousand workers, as far as memory lasts, and says what would end first. Linux only.
 */
import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { charts } from './growth/chart.ts'
import { firstToBreak } from './growth/first-to-break.ts'
import { limits, resources } from './growth/limits.ts'
import type { Sweep, Values } from './growth/sweep.ts'
import { sweeps } from './growth/sweeps.ts'
import { markdownTable, openPage } from './report/markdown.ts'
import { duration } from './report/progress.ts'
import { bundlePrograms } from './sides/cache.ts'

const known: Readonly<Record<string, Sweep>> = { ...sweeps, limits }
const { values } = parseArgs({
  options: {
    sweeps: { type: 'string', default: Object.keys(known).join(',') },
    seconds: { type: 'string', default: '3' },
    'up-to': { type: 'string', default: 'Infinity' },
    write: { type: 'boolean', default: false },
  },
})
const seconds = Number(values.seconds)
const names = values.sweeps.split(',')
for (const name of names)
  if (!Object.hasOwn(known, name))
    throw new Error(`--sweeps has "${name}": choose from ${Object.keys(known).join(', ')}`)

const write = values.write ? openPage('bench:growth') : undefined
await bundlePrograms()
const lasts = names.reduce((total, name) => total + known[name]!.lasts(seconds), 0)
console.error(`This takes about ${duration(lasts)}.`)
const parts = [procedure()]
for (const name of names) parts.push(await measure(name, known[name]!))
const text = parts.join('\n\n')
console.log(text)
write?.(text)

async function measure(name: string, sweep: Sweep): Promise<string> {
  const measured: (readonly [point: number, values: Values])[] = []
  const points = sweep.points.filter(point => point <= Number(values['up-to']))
  await { ...sweep, points }.run(seconds, (point, found) => {
    measured.push([point, found])
    console.error(
      `${sweep.title}, ${measured.length} of ${points.length}: ${point}: ${JSON.stringify(found)}`,
    )
  })
  const titles = Object.keys(measured[0]?.[1] ?? {})
  const rows = measured.map(([point, found]) => [
    point.toLocaleString('en'),
    ...titles.map(title => numberOf(found[title] ?? 0)),
  ])
  const panels = titles.map(title => ({
    title,
    points: measured.map(([point, found]) => [point, found[title] ?? 0] as const),
  }))
  const file = `growth-${name}.svg`
  if (values.write)
    writeFileSync(
      new URL(`../../docs/${file}`, import.meta.url),
      charts(`${sweep.title}: how the cost grows`, sweep.unit, panels),
    )
  return [
    `### ${sweep.title}`,
    `![${titles.join(', ')}, by ${sweep.unit}](${file})`,
    markdownTable([sweep.unit, ...titles], rows),
    ...(name === 'limits' ? [firstToBreak(measured, resources)] : []),
  ].join('\n\n')
}

function numberOf(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : `${Number(value.toPrecision(3))}`
}

function procedure(): string {
  const command = ['npm run bench:growth', ...process.argv.slice(2).filter(word => word !== '--write')].join(
    ' ',
  )
  const load = `load from the same machine, ${seconds} s for each point`
  return `\`${command.replace('growth -', 'growth -- -')}\`: Node ${process.versions.node}, ${availableParallelism()} cores, ${load}.`
}
