/**
 * Loads a real server, puts it through a storm of lifecycle events, and reports the fate of every request.
 *
 *     npm run loss -- [--requests 1000000] [--events 200] [--workers 2] [--node PATH] [--seed 1] [--worker-class async|sync|threads|exec|wsgi] [--preload] [--kill] [--tls] [--json]
 *
 * Linux only. Progress goes to standard error; the result, a row of a table in Markdown or JSON, to standard output.
 * Exits with 1 if a request failed or anything was left behind. `docs/zero-loss.md` says what counts as a failure.
 */
import { execFileSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { measureReloads } from '../test/loss/reloads.ts'
import { type Outcome, run } from '../test/loss/run.ts'
import { type WorkerClass, workerClasses } from '../test/loss/server.ts'

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '1000000' },
    events: { type: 'string', default: '200' },
    workers: { type: 'string', default: '2' },
    'worker-class': { type: 'string', default: 'async' },
    node: { type: 'string', default: process.execPath },
    seed: { type: 'string', default: '1' },
    pause: { type: 'string', default: '0' },
    limit: { type: 'string', default: '3600' },
    preload: { type: 'boolean', default: false },
    kill: { type: 'boolean', default: false },
    tls: { type: 'boolean', default: false },
    reloads: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})
const { node } = values
// A signal ends the process in the normal way, so that the server is told.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim().slice(1)
const tell = (message: string) => console.error(message)

if (values.reloads !== undefined) {
  const growth = await measureReloads({ reloads: number('reloads', 1), node, tell })
  console.log(values.json ? JSON.stringify({ node: version, ...growth }) : growth.text)
  process.exitCode = growth.faults.length > 0 ? 1 : 0
} else {
  const outcome = await run({
    requests: number('requests', 1),
    events: number('events', 0),
    workers: number('workers', 1),
    workerClass: workerClass(),
    seed: number('seed', 0),
    pause: number('pause', 0),
    limit: number('limit', 1),
    kill: values.kill,
    tls: values.tls,
    node,
    tell,
  })
  for (const fault of outcome.faults) tell(fault)
  console.log(values.json ? JSON.stringify({ node: version, ...outcome }) : row(outcome))
  process.exitCode = outcome.failed > 0 || outcome.faults.length > 0 ? 1 : 0
}

/** | Node | workers | answered | events | failed | idle race | client held up | answered, refused, reset at the stop | killed | not begun | seconds | */
function row({ answered, events, verdicts, failed, atStop, seconds }: Outcome): string {
  const happened = Object.entries(events).map(([name, count]) => `${count} ${name}`)
  const total = Object.values(events).reduce((sum, count) => sum + count, 0)
  const cells = [
    version,
    values.workers,
    answered,
    `${total} (${happened.join(', ')})`,
    failed,
    verdicts['idle race'] ?? 0,
    verdicts['client held up'] ?? 0,
    `${atStop}, ${verdicts['refused at stop'] ?? 0}, ${verdicts['reset at stop'] ?? 0}`,
    values.kill ? (verdicts.killed ?? 0) : '-',
    verdicts['not begun'] ?? 0,
    seconds.toFixed(0),
  ]
  return `| ${cells.join(' | ')} |`
}

function workerClass(): WorkerClass {
  const given = `${values['worker-class']}${values.preload ? ', forked' : ''}`
  const known = workerClasses.find(name => name === given)
  if (known !== undefined) return known
  throw new Error(
    `there is no harness for ${given}: give async, sync, threads, exec or wsgi, and --preload with wsgi`,
  )
}

function number(
  name: 'requests' | 'events' | 'workers' | 'seed' | 'pause' | 'limit' | 'reloads',
  least: number,
): number {
  const value = Number(values[name])
  if (Number.isInteger(value) && value >= least) return value
  throw new Error(`--${name} is "${values[name]}": give a whole number from ${least} on`)
}
