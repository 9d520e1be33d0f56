/**
 * Serves programs in other languages as workers, those of `examples/programs`: uvicorn, Gunicorn, hypercorn, Go, Node and
 * a shell.
 *
 *     npm run programs -- [--only NAME,NAME] [--short]
 *
 * Each has two workers, reloads under load, with a request of a second under way at each reload and at the stop.
 * `--short` reloads once. What is not installed is named with the package of Debian that has it, and left out. The table,
 * in Markdown, goes to standard output. Exits with 1 if a request failed or a stop was not clean.
 */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { programs } from './programs.ts'
import { type Row, tryProgram } from './trial.ts'

const { values } = parseArgs({
  options: { only: { type: 'string' }, short: { type: 'boolean', default: false } },
})
// A signal ends the process in the normal way, and so everything that it started.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const source = fileURLToPath(new URL('../../examples/programs', import.meta.url))
const only = values.only?.split(',')
const rows: Row[] = []
console.log('| program | version | answered | failed | verdict |')
console.log('| --- | --- | ---: | ---: | --- |')
for (const program of programs) {
  if (only !== undefined && !only.some(name => program.name.toLowerCase().includes(name.toLowerCase())))
    continue
  if (!isInstalled(program.needs)) {
    console.error(
      `${program.name}: left out, because ${program.needs} is not there: apt-get install ${program.package}`,
    )
    continue
  }
  const row = await tryProgram(program, { source, reloads: values.short ? 1 : 3 })
  const { version, answered, faults } = row
  const verdict = faults.length === 0 ? 'served' : 'not served'
  console.log(`| ${program.name} | ${version} | ${answered} | ${faults.length} | ${verdict} |`)
  for (const fault of faults) console.error(`${program.name}: ${fault}`)
  rows.push(row)
}
const failed = rows.filter(({ faults }) => faults.length > 0).length
console.log(`\n${rows.length - failed} programs served, ${failed} not`)
process.exitCode = failed > 0 ? 1 : 0

function isInstalled(command: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some(folder => {
    try {
      accessSync(join(folder, command), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
