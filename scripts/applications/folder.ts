/** Installs applications and tsicorn in folders. */
import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { Application } from './application.ts'
import { environmentOf } from './environment.ts'

const run = promisify(execFile)

const root = resolve(import.meta.dirname, '../..')

/** How long an installation or a build may take, in milliseconds. */
const patienceMs = 300_000

/** Installs this repository as npm packs it, and returns the command. */
export async function installTsicorn(folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true })
  await npm(['pack', '--pack-destination', folder], root)
  const { stdout } = await run('ls', [folder])
  await npm(['install', '--prefix', folder, ...quiet, join(folder, stdout.trim())], folder)
  return join(folder, 'node_modules/tsicorn/daemon/tsicorn.js')
}

/** Installs an application, and builds it if necessary. */
export async function install(application: Application, folder: string, node: string): Promise<void> {
  const { packages: dependencies, overrides, files = {}, prepare = [], scripts = false } = application
  const type = application.module === true ? 'module' : undefined
  const manifest = { name: 'application', version: '1.0.0', private: true, type, dependencies, overrides }
  for (const [path, text] of Object.entries({ 'package.json': JSON.stringify(manifest), ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  await npm(['install', ...quiet, ...(scripts ? [] : ['--ignore-scripts'])], folder)
  for (const [program, ...args] of prepare) {
    const isNpm = program === 'npm'
    if (isNpm) await npm(args, folder)
    else await run(node, [program!, ...args], { ...limits, cwd: folder, env: environmentOf(folder, node) })
  }
}

const quiet = ['--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error']

const limits = { timeout: patienceMs, maxBuffer: 64 << 20 }

async function npm(args: readonly string[], cwd: string): Promise<void> {
  await run('npm', args, { ...limits, cwd })
}
