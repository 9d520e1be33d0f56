/**
 * Attacks real servers in all known ways beside honest clients, and reports what did not hold.
 *
 *     npm run attack -- [--minutes 5 | --seconds 60] [--seed 1] [--node PATH] [--only fuzz,chaos,apps,faults,corpus] [--json]
 *
 * Linux only. Progress and the story of each violation go to standard error; the result, a table in Markdown or JSON,
 * to standard output. Exits with 1 if there was a violation. `docs/security.md` says what is promised.
 */
import { execFileSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { tableOf } from '../test/attack/report.ts'
import { attack } from '../test/attack/run.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    seconds: { type: 'string' },
    seed: { type: 'string', default: '1' },
    node: { type: 'string', default: process.execPath },
    only: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
  },
})
const { node } = values
// A signal ends the process in the normal way, and so all servers.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))
const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim().slice(1)
const tell = (message: string) => console.error(message)

const outcomes = await attack({
  seconds: values.seconds === undefined ? number('minutes', 1) * 60 : number('seconds', 1),
  seed: number('seed', 0),
  node,
  only: values.only.split(',').filter(word => word !== ''),
  tell,
})
const isBad = outcomes.some(({ violations }) => violations.length > 0)
console.log(
  values.json ? JSON.stringify({ node: version, outcomes }) : `Node ${version}\n\n${tableOf(outcomes)}`,
)
// Clients that wait for an answer would keep this process alive for a while.
process.exit(isBad || outcomes.length === 0 ? 1 : 0)

function number(name: 'minutes' | 'seconds' | 'seed', least: number): number {
  const value = Number(values[name])
  if (Number.isInteger(value) && value >= least) return value
  throw new Error(`--${name} is "${values[name]}": give a whole number from ${least} on`)
}
