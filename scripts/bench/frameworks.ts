/**
 * Compares apps of frameworks under tsicorn with the same apps on their framework's own server, one process each, and
 * the ways to serve a fetch handler with each other; prints a table in Markdown.
 *
 *     npm run bench:frameworks -- [--rounds 15] [--requests 2000] [--connections 32] [--warm-up 20000]
 *         [--sides hono,hono-listener] [--kinds text,json] [--against hono-listener] [--http2]
 *
 * The load comes from h2load (Debian: nghttp2-client). Processor time is what counts, per request, in microseconds. All
 * servers run at the same time, and are loaded in turn, a round for a moment each; a ratio is that of the same round. `--against` names the side that others are divided by; without it, that is the framework's own.
 */
import { parseArgs } from 'node:util'
import { type KindName, kinds, type Measurement, measure } from './frameworks/measure.ts'
import { install, type RunningServer, type Side, sides, startServer } from './frameworks/servers.ts'
import { markdownTable } from './report/markdown.ts'
import { median, ratios, rotated, spread } from './report/statistics.ts'

const frameworks = ['bare', 'hono', 'express', 'fastify', 'koa', 'nest'] as const

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    requests: { type: 'string', default: '2000' },
    'warm-up': { type: 'string', default: '20000' },
    connections: { type: 'string', default: '32' },
    sides: { type: 'string', default: frameworks.flatMap(name => [name, `${name}-own`]).join(',') },
    kinds: { type: 'string', default: 'text,json' },
    against: { type: 'string' },
    http2: { type: 'boolean', default: false },
  },
})
const rounds = positive('rounds')
const load = {
  requests: positive('requests'),
  connections: positive('connections'),
  isHttp2: values.http2,
}
const wanted = chosen('sides', sides)
const wantedKinds = chosen('kinds', kinds)
const results = new Map<string, Measurement[]>()

await install()
const servers = new Map<Side, RunningServer>()
try {
  for (const side of wanted) servers.set(side, await startServer(side, load))
  for (const kind of wantedKinds) await compare(kind)
} finally {
  await Promise.all(Array.from(servers.values(), server => server.stop()))
}
console.log(table())

/** In short turns, so that what else the machine does meets all of them alike. */
async function compare(kind: KindName): Promise<void> {
  const warmUp = { ...load, requests: positive('warm-up') }
  for (const side of wanted) await measure(servers.get(side)!, kinds[kind], warmUp)
  for (let round = 0; round < rounds; round++) {
    for (const side of rotated(wanted, round)) {
      const result = await measure(servers.get(side)!, kinds[kind], load)
      results.set(key(side, kind), [...resultsOf(side, kind), result])
    }
  }
  for (const side of wanted) console.error(`${kind}, ${side}: ${cells(side, kind).join(', ')}`)
}

function table(): string {
  const head = ['', ...wantedKinds.flatMap(kind => [`${kind}, µs`, 'ratio', 'requests/s'])]
  const rows = wanted.map(side => [side, ...wantedKinds.flatMap(kind => cells(side, kind))])
  const protocol = load.isHttp2 ? 'HTTP/2, ' : ''
  const procedure = `${protocol}${rounds} rounds of ${load.requests} requests, ${load.connections} connections`
  return `Node ${process.versions.node}; ${procedure}; medians\n\n${markdownTable(head, rows)}`
}

function cells(side: Side, kind: KindName): string[] {
  const own = resultsOf(side, kind)
  const others = resultsOf(values.against ?? `${side.replace(/-own$/, '')}-own`, kind)
  const cpuOf = (all: readonly Measurement[]) => all.map(({ cpu }) => cpu)
  const relative = ratios(cpuOf(own), cpuOf(others))
  return [spread(cpuOf(own), 1), spread(relative, 2), median(own.map(({ rate }) => rate)).toFixed(0)]
}

function key(side: string, kind: KindName): string {
  return `${side} ${kind}`
}

function resultsOf(side: string, kind: KindName): readonly Measurement[] {
  return results.get(key(side, kind)) ?? []
}

function positive(name: 'rounds' | 'requests' | 'connections' | 'warm-up'): number {
  const value = Number(values[name])
  if (value > 0) return value
  throw new Error(`--${name} is "${values[name]}": give a number greater than 0`)
}

function chosen<Name extends string>(
  option: 'sides' | 'kinds',
  known: Readonly<Record<Name, unknown>>,
): Name[] {
  return values[option].split(',').map(name => {
    if (Object.hasOwn(known, name)) return name as Name
    throw new Error(`--${option} has "${name}": choose from ${Object.keys(known).join(', ')}`)
  })
}
