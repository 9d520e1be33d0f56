/**
 * Compares tsicorn with the limit of what is possible and with its peers; prints tables in Markdown.
 *
 *     npm run bench -- [--sides limit,tsicorn] [--cases keep-alive,fresh] [--rounds 5] [--seconds 3] [--warm-up 2]
 *         [--connections 64] [--write]
 *     npm run bench -- --paired [--rounds 30] [--requests 2000] [--sides ...] [--cases ...] [--connections 64] [--write]
 *
 * Without `--sides` and `--cases`, all of them; a mistake in one lists them. Each round restarts every server, in
 * rotating order, so that disturbances of the machine affect all of them; medians and ratios within a round are what
 * counts. `--paired` is for a busy machine: all servers run at once, each gets so many requests in turn, and processor
 * time per request is compared within each round; it needs h2load. `--write` puts the result into docs/benchmarks.md. Linux only.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { cases } from './bench/cases/cases.ts'
import { type Chosen, compare, type Run } from './bench/compare.ts'
import { generatorNames } from './bench/load/generator.ts'
import { comparePaired, pairedTable } from './bench/paired.ts'
import { openPage } from './bench/report/markdown.ts'
import { report } from './bench/report/results.ts'
import { median } from './bench/report/statistics.ts'
import { bundlePrograms, install, makeCertificate } from './bench/sides/cache.ts'
import { isAvailable, sides } from './bench/sides/sides.ts'

const { values } = parseArgs({
  options: {
    sides: { type: 'string' },
    cases: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string', default: '3' },
    requests: { type: 'string', default: '2000' },
    connections: { type: 'string', default: '64' },
    'warm-up': { type: 'string', default: '2' },
    paired: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
})
/** What a feature costs is what the paired comparison is for. */
const pairedDefaults = {
  sides: 'tsicorn',
  cases: 'keep-alive,access-log,json-log,statsd,request-timeout',
}
const defaults = values.paired ? pairedDefaults : { sides: undefined, cases: undefined }
const run: Run = {
  sides: chosen('sides', sides),
  cases: chosen('cases', cases),
  rounds: positive('rounds', values.rounds ?? (values.paired ? '30' : '5')),
  times: {
    connections: positive('connections', values.connections),
    seconds: positive('seconds', values.seconds),
    warmUp: positive('warm-up', values['warm-up']),
  },
}

const write = values.write ? openPage(values.paired ? 'bench:paired' : 'bench') : undefined
await prepare()
const text = values.paired ? await paired() : await whole()
console.log(text)
write?.(text)

async function whole(): Promise<string> {
  const { seconds, warmUp } = run.times
  const results = await compare(run)
  const others = results.cases
    .flatMap(theCase => results.sides.flatMap(side => results.of(side, theCase) ?? []))
    .flatMap(figures => figures.others ?? [])
  const taken =
    others.length === 0 ? '' : ` Other processes took ${median(others).toFixed(0)} % of the machine (median).`
  return `${procedure(`${seconds} s after ${warmUp} s`)}${taken}\n\n${report(results, { sides, cases })}`
}

async function paired(): Promise<string> {
  const { connections } = run.times
  const requests = positive('requests', values.requests)
  const results = await comparePaired({ ...run, connections, requests, warmUpRequests: requests * 10 })
  return `${procedure(`${requests} requests`)} All servers ran at once.\n\n${pairedTable(results)}`
}

async function prepare(): Promise<void> {
  const all = [...run.sides.values(), ...run.cases.values()]
  await bundlePrograms()
  await install([...new Set(all.flatMap(({ packages = [] }) => packages))])
  if (Array.from(run.cases.values()).some(({ setup }) => setup.protocol !== 'http')) makeCertificate()
}

function procedure(turn: string): string {
  const { rounds, times } = run
  const command = ['npm run bench', ...process.argv.slice(2).filter(word => word !== '--write')].join(' ')
  const machine = `Node ${process.versions.node}, ${availableParallelism()} cores`
  const load = `load from the same machine by ${generatorNames.join(' and ')}`
  const each = `medians (smallest-largest) of ${rounds} rounds of ${turn}, ${times.connections} connections`
  return `\`${command.replace('bench -', 'bench -- -')}\`: ${machine}, ${load}; ${each}.`
}

/** Those that are named; without names, those that this machine has. */
function chosen<Kind>(option: 'sides' | 'cases', known: Readonly<Record<string, Kind>>): Chosen<Kind> {
  const text = values[option] ?? defaults[option]
  const names = text?.split(',') ?? Object.keys(known).filter(name => option === 'cases' || isAvailable(name))
  return new Map(
    names.map(name => {
      if (Object.hasOwn(known, name)) return [name, known[name]!]
      throw new Error(`--${option} has "${name}": choose from ${Object.keys(known).join(', ')}`)
    }),
  )
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (value > 0) return value
  throw new Error(`--${name} is "${text}": give a number greater than 0`)
}
