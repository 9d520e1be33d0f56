/**
 * Serves real applications from npm, unmodified, with two workers: three reloads and a stop each, under load on kept
 * connections.
 *
 *     npm run applications -- [--only NAME,NAME] [--short] [--node PATH] [--keep]
 *
 * Each one is installed in a temporary folder, at a version fixed here, and first has to be served by Node alone.
 * `--short` takes those that install quickly, `--keep` leaves the folders. Progress goes to standard error; the table,
 * in Markdown, to standard output. Exits with 1 if one is not served, a request failed or a stop was not clean.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Application } from './applications/application.ts'
import { commandLines } from './applications/command-lines.ts'
import { install, installTsicorn } from './applications/folder.ts'
import { frameworks } from './applications/frameworks.ts'
import { nest } from './applications/nest.ts'
import { sites } from './applications/sites.ts'
import { notServed, type Row, tryApplication } from './applications/trial.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    short: { type: 'boolean', default: false },
    node: { type: 'string', default: process.execPath },
    keep: { type: 'boolean', default: false },
  },
})
// A signal ends the process in the normal way, and so everything that it started.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const applications = chosen([...commandLines, ...frameworks, ...nest, ...sites])
const root = mkdtempSync(join(tmpdir(), 'tsicorn-applications-'))
process.once('exit', () => values.keep || rmSync(root, { recursive: true, force: true }))

console.error(`Installing tsicorn in ${root}`)
const tools = { node: values.node, tsicorn: await installTsicorn(join(root, 'tsicorn')) }
console.log('| application | version | started with | answered | failed | reloads | drain, s | verdict |')
console.log('| --- | --- | --- | ---: | ---: | ---: | ---: | --- |')
const rows: Row[] = []
for (const application of applications) {
  console.error(`${application.name}: installing`)
  const row = await attempt(application)
  console.log(lineOf(row))
  for (const fault of row.faults) console.error(`${row.name}: ${fault}`)
  rows.push(row)
}
const failed = rows.filter(({ faults }) => faults.length > 0).length
console.log(`\n${rows.length - failed} applications served, ${failed} not`)
process.exitCode = failed > 0 ? 1 : 0

async function attempt(application: Application): Promise<Row> {
  const folder = join(root, application.name.replaceAll(/\W+/g, '-').toLowerCase())
  try {
    await install(application, folder, values.node)
    console.error(`${application.name}: serving`)
    return await tryApplication(application, folder, tools)
  } catch (error) {
    return notServed(application, `cannot be installed: ${(error as Error).message}`)
  } finally {
    if (!values.keep) rmSync(folder, { recursive: true, force: true })
  }
}

function chosen(all: readonly Application[]): readonly Application[] {
  const names = values.only?.split(',')
  const unknown = names?.find(name => all.every(one => one.name !== name))
  if (unknown !== undefined) {
    throw new Error(`--only names "${unknown}": choose from ${all.map(({ name }) => name).join(', ')}`)
  }
  return all.filter(({ name, short }) => (names?.includes(name) ?? true) && (short === true || !values.short))
}

function lineOf({ name, version, command, answered, failed, reloads, drainSeconds, faults }: Row): string {
  const verdict = faults.length === 0 ? 'served' : 'not served'
  const drain = drainSeconds?.toFixed(1) ?? '-'
  return `| ${[name, version, `\`${command}\``, answered, failed, reloads, drain, verdict].join(' | ')} |`
}
