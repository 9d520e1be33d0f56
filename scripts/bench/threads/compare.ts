/**
 * Compares one worker with N threads with N workers, by memory, processor time of the boot and how long it takes; prints a
 * table in Markdown:
 *
 *     npm run bundle && node scripts/bench/threads/compare.ts [--counts 1,2,4,8] [--rounds 5] [--apps bare,express]
 *
 * Linux only. Rounds are interleaved, and each starts every server once; the figures are medians.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { nanosecondsOf, useOfTree } from '../process-tree.ts'

const { values } = parseArgs({
  options: {
    counts: { type: 'string', default: '1,2,4,8' },
    rounds: { type: 'string', default: '5' },
    apps: { type: 'string', default: 'bare,express' },
  },
})

const root = new URL('../../..', import.meta.url)
const tsicorn = fileURLToPath(new URL('daemon/tsicorn.js', root))
const installed = (name: string) => pathToFileURL(join(fileURLToPath(root), 'node_modules', name)).href

const apps: Readonly<Record<string, string>> = {
  bare: `export default (_req, res) => res.end('hello')`,
  express: `
    import express from '${installed('express/index.js')}'
    export const app = express().get('/', (_req, res) => res.send('hello'))`,
}

const kinds = {
  processes: (count: number) => ['-w', `${count}`],
  threads: (count: number) => ['-k', 'threads', '--threads', `${count}`],
} as const

type Kind = keyof typeof kinds

interface Figures {
  /** Proportional set size of all processes, the arbiter included. */
  readonly mib: number
  readonly bootMs: number
  readonly cpuMs: number
}

const folder = mkdtempSync(join(tmpdir(), 'tsicorn-threads-'))
const all = new Map<string, Figures[]>()
const counts = values.counts.split(',').map(Number)
const names = values.apps.split(',')
try {
  for (const name of names) writeFileSync(join(folder, `${name}.mjs`), apps[name] as string)
  for (let round = 0; round < Number(values.rounds); round += 1)
    for (const name of names)
      for (const count of counts)
        for (const kind of Object.keys(kinds) as Kind[]) {
          const key = keyOf(name, count, kind)
          all.set(key, [...(all.get(key) ?? []), await measure(name, count, kind)])
        }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log('| app | N | processes, MiB | threads, MiB | boot of processes, ms (CPU) | of threads |')
console.log('| --- | ---: | ---: | ---: | ---: | ---: |')
for (const name of names) for (const count of counts) console.log(row(name, count))

function keyOf(name: string, count: number, kind: Kind): string {
  return `${name} ${count} ${kind}`
}

async function measure(name: string, count: number, kind: Kind): Promise<Figures> {
  const args = [tsicorn, ...kinds[kind](count), '-b', '127.0.0.1:0', `./${name}.mjs`]
  const began = performance.now()
  const server = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  server.stderr.setEncoding('utf8')
  while (!log.includes('Running:')) {
    const [text] = await Promise.race([once(server.stderr, 'data'), once(server, 'exit')])
    if (typeof text !== 'string') throw new Error(`It has ended:\n${log}`)
    log += text
  }
  server.stderr.resume()
  const bootMs = performance.now() - began
  const pid = server.pid as number
  const figures = { bootMs, cpuMs: nanosecondsOf(pid) / 1e6, mib: useOfTree(pid).pssMiB }
  const ended = once(server, 'exit')
  server.kill('SIGQUIT')
  await ended
  return figures
}

function row(name: string, count: number): string {
  const of = (kind: Kind, field: keyof Figures) => {
    const sorted = (all.get(keyOf(name, count, kind)) ?? []).map(one => one[field]).sort((a, b) => a - b)
    return (sorted[Math.floor(sorted.length / 2)] as number).toFixed(0)
  }
  const boot = (kind: Kind) => `${of(kind, 'bootMs')} (${of(kind, 'cpuMs')})`
  const cells = [
    name,
    count,
    of('processes', 'mib'),
    of('threads', 'mib'),
    boot('processes'),
    boot('threads'),
  ]
  return `| ${cells.join(' | ')} |`
}
