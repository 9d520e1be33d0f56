/**
 * Serves applications of Python frameworks, from the packages of Debian: each answers every kind of request that its
 * framework handles in its own way, and is then reloaded and stopped under load.
 *
 *     npm run python -- [--only NAME,NAME] [--short] [--python PATH]
 *
 * `--short` reloads once instead of five times. What is not installed is named and skipped. Exits with 1 if a request
 * failed, a reload did not succeed or a stop was not clean.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Load } from '../applications/load.ts'
import { Program } from '../applications/program.ts'
import { freePort } from '../free-port.ts'
import { questions } from './questions.ts'

interface Framework {
  readonly name: string
  /** What it is made of, as Python imports it. */
  readonly modules: readonly string[]
  readonly args: readonly string[]
  /** What its log has to say. */
  readonly logs?: RegExp
}

const frameworks: readonly Framework[] = [
  { name: 'flask', modules: ['flask'], args: ['-k', 'wsgi', 'flask_app'] },
  { name: 'django', modules: ['django'], args: ['django_app:application'] },
  { name: 'pyramid', modules: ['pyramid'], args: ['pyramid_app:create()'] },
  { name: 'bottle', modules: ['bottle'], args: ['bottle_app:app'] },
  { name: 'lint', modules: ['flask', 'webtest', 'paste'], args: ['linted_app'] },
  {
    name: 'paste',
    modules: ['paste.deploy', 'paste.urlmap', 'bottle'],
    args: ['--paste', 'site.ini', '--paste-global', 'site=here'],
    logs: /logged: hello from here\n/,
  },
]

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    short: { type: 'boolean', default: false },
    python: { type: 'string', default: '/usr/bin/python3' },
  },
})
// A signal ends the process in the normal way, and so everything that it started.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const apps = join(import.meta.dirname, 'apps')
const tsicorn = join(import.meta.dirname, '../../daemon/tsicorn.js')
const reloads = values.short ? 1 : 5
/** How many requests are answered between two events. */
const between = values.short ? 100 : 500
const startMs = 60_000

let served = 0
let failed = 0
for (const framework of frameworks) {
  if (values.only !== undefined && !values.only.split(',').includes(framework.name)) continue
  const absent = framework.modules.filter(name => !isInstalled(name))
  if (absent.length > 0) {
    console.log(
      `${framework.name}: skipped, since ${absent.join(' and ')} is not installed for ${values.python}`,
    )
    continue
  }
  const faults = await attempt(framework)
  for (const fault of faults) console.error(`${framework.name}: ${fault}`)
  console.log(`${framework.name}: ${faults.length === 0 ? 'served' : 'not served'}`)
  if (faults.length === 0) served += 1
  else failed += 1
}
console.log(`${served} Python applications served, ${failed} not`)
process.exitCode = failed > 0 ? 1 : 0

function isInstalled(name: string): boolean {
  return spawnSync(values.python, ['-c', `import ${name}`]).status === 0
}

async function attempt({ args, logs }: Framework): Promise<readonly string[]> {
  const port = await freePort()
  const home = mkdtempSync(join(tmpdir(), 'tsicorn-python-'))
  const own = [
    '-b',
    `127.0.0.1:${port}`,
    '-w',
    '2',
    '--threads',
    '4',
    '--python',
    values.python,
    '--chdir',
    apps,
  ]
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1', XDG_RUNTIME_DIR: home }
  const program = new Program(process.execPath, [tsicorn, ...own, ...args], { cwd: home, env })
  try {
    await program.says(/Running: 2 workers/, startMs)
    const wrong: string[] = []
    for (const question of questions) {
      const fault = await question(`http://127.0.0.1:${port}`)
      if (fault !== undefined) wrong.push(fault)
    }
    const load = new Load({ port, path: '/', says: 'hello' })
    await load.more(between)
    for (let n = 1; n <= reloads; n += 1) {
      program.signal('SIGHUP')
      await program.says(new RegExp(`Reload ${n}: generation \\d+ serves`), startMs)
      await load.more(between)
    }
    load.serverStops()
    const { code, signal } = await program.end('SIGTERM', startMs)
    await load.end()
    const badEnd = code === 0 ? [] : [`ended with ${signal ?? `code ${code}`}`]
    const unsaid = logs === undefined || logs.test(program.said) ? [] : [`its log does not say ${logs}`]
    const all = [...wrong, ...badEnd, ...unsaid, ...new Set(load.failures), ...errorsOf(program.said)]
    return all.length === 0 ? [] : [...all, program.said.slice(-4_000)]
  } catch (error) {
    program.kill()
    return [`${(error as Error).message}\n${program.said.slice(-4_000)}`]
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

/** Errors in the log, but for those of the request that fails on purpose. */
function errorsOf(log: string): readonly string[] {
  return log
    .split('\n')
    .filter(line => /\[(ERROR|CRITICAL)\]/.test(line) && !line.includes('GET /fails failed'))
}
