/** Watt, whose workers are threads that listen with SO_REUSEPORT. */
import { execFile } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { inPackage, program } from './cache.ts'
import { environment } from './node.ts'
import type { Place, Setup, Side } from './setup.ts'

const command = inPackage('wattpm/bin/cli.js')

export const watt: Side = {
  title: 'Watt',
  packages: ['wattpm@3.65.0', '@platformatic/node@3.65.0'],
  serve(setup, place) {
    if (setup.protocol !== 'http' || setup.isUnix || setup.extra !== 'nothing') return undefined
    const cwd = projectIn(place, setup)
    return { program: process.execPath, args: [command, 'start'], env: environment(setup, place), cwd }
  },
  version: { program: process.execPath, args: [command, '--version'] },
  reload: pid => promisify(execFile)(process.execPath, [command, 'restart', `${pid}`]),
  isSupervised: true,
  workers: 'threads of Node',
}

/** A folder with the configuration that Watt wants. */
function projectIn({ folder, port }: Place, { workers }: Setup): string {
  const project = join(folder, 'watt')
  mkdirSync(project)
  symlinkSync(inPackage(''), join(project, 'node_modules'))
  writeFileSync(join(project, 'package.json'), '{ "name": "bench", "type": "module", "main": "index.mjs" }\n')
  writeFileSync(join(project, 'index.mjs'), `export * from ${JSON.stringify(program('watt'))}\n`)
  const configuration = {
    $schema: 'https://schemas.platformatic.dev/@platformatic/node/3.65.0.json',
    runtime: { server: { hostname: '127.0.0.1', port }, workers, logger: { level: 'warn' } },
  }
  writeFileSync(join(project, 'watt.json'), JSON.stringify(configuration))
  return project
}
