/**
 * Compares tsicorn with the limit of what is possible and with `node:cluster`; prints a table in Markdown.
 *
 *     npm run bench -- [--rounds 5] [--seconds 3] [--connections 32] [--warm-up 2] [--sides limit,tsicorn,cluster]
 *
 * There are more sides: tsicorn with a log, with statsd or with a limit for requests; a mistake in `--sides` lists
 * them. Frameworks are compared by `npm run bench:frameworks`.
 *
 * Linux only. Each round restarts every server, in a rotating order, so that disturbances of the machine affect all of
 * them; medians and ratios within a round are what counts.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { type Measurement, measure } from './bench/measure.ts'
import { bundlePrograms, type Side, sides, usualSides } from './bench/server.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '32' },
    'warm-up': { type: 'string', default: '2' },
    sides: { type: 'string', default: usualSides.join(',') },
  },
})
const rounds = positive('rounds')
const load = {
  connections: positive('connections'),
  seconds: positive('seconds'),
  warmUp: positive('warm-up'),
}
const wanted = values.sides.split(',').map(toSide)
const results = new Map<Side, Measurement[]>(wanted.map(side => [side, []]))

await bundlePrograms()
for (let round = 0; round < rounds; round++) {
  const turn = round % wanted.length
  for (const side of [...wanted.slice(turn), ...wanted.slice(0, turn)]) {
    const measurement = await measure(side, load)
    results.get(side)!.push(measurement)
    console.error(`Round ${round + 1} of ${rounds}, ${side}: ${describe(measurement)}`)
  }
}
console.log(table())

function table(): string {
  const head = ['', ...wanted]
  const rows = [
    ['keep-alive, requests/s', ...medians('keepAlive', 0)],
    ['- of the limit', ...ratios('keepAlive', 'limit')],
    ['- server CPU, µs/request', ...medians('keepAliveCpu', 1)],
    ['fresh connections, requests/s', ...medians('fresh', 0)],
    ['- of the limit', ...ratios('fresh', 'limit')],
    ['- of the cluster', ...ratios('fresh', 'cluster')],
    ['- server CPU, µs/request', ...medians('freshCpu', 1)],
    ['memory of the tree (PSS) before the load, MiB', ...medians('freshPssMiB', 1)],
    ['- after the load', ...medians('pssMiB', 1)],
    ['taken by other processes, % of the machine', ...medians('others', 0)],
    ['connections without an answer', ...wanted.map(side => `${total(valuesOf(side, 'errors'))}`)],
  ]
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const machine = `Node ${process.versions.node}, ${availableParallelism()} cores, client on the same machine`
  const procedure = `${rounds} rounds of ${load.seconds} s, ${load.connections} connections; medians (smallest-largest)`
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'))
  return [`${machine}; ${procedure}`, '', ...[head, rule, ...rows].map(line)].join('\n')
}

function medians(key: keyof Measurement, digits: number): string[] {
  return wanted.map(side => spread(valuesOf(side, key), digits))
}

/** Relative to another side of the same round, so that a slow minute of the machine affects both. */
function ratios(key: keyof Measurement, against: Side): string[] {
  if (!results.has(against)) return wanted.map(() => '-')
  const others = valuesOf(against, key)
  return wanted.map(side =>
    spread(
      valuesOf(side, key).map((value, round) => value / others[round]!),
      2,
    ),
  )
}

function spread(numbers: readonly number[], digits: number): string {
  const sorted = [...numbers].sort((one, other) => one - other)
  const [smallest, median, largest] = [sorted[0]!, middle(sorted), sorted.at(-1)!].map(n => n.toFixed(digits))
  return `${median} (${smallest}-${largest})`
}

function middle(sorted: readonly number[]): number {
  const half = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}

function valuesOf(side: Side, key: keyof Measurement): number[] {
  return results.get(side)!.map(measurement => measurement[key])
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((one, other) => one + other, 0)
}

function describe({ keepAlive, fresh, pssMiB }: Measurement): string {
  return `keep-alive ${keepAlive.toFixed(0)}/s, fresh ${fresh.toFixed(0)}/s, ${pssMiB.toFixed(1)} MiB`
}

function positive(name: 'rounds' | 'seconds' | 'connections' | 'warm-up'): number {
  const value = Number(values[name])
  if (value > 0) return value
  throw new Error(`--${name} is "${values[name]}": give a number greater than 0`)
}

function toSide(name: string): Side {
  if (Object.hasOwn(sides, name)) return name as Side
  throw new Error(`--sides has "${name}": choose from ${Object.keys(sides).join(', ')}`)
}
