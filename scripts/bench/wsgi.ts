/**
 * Compares `worker_class: 'wsgi'` with Gunicorn's gthread, by wrk; prints a table in Markdown.
 *
 *     node scripts/bench/wsgi.ts [--rounds 3] [--seconds 3] [--connections 64] [--loads 'NAME;...'] [--python PATH]
 *       [--gunicorn PATH] [--threads 4]
 *
 * Both get two workers with the same threads and the same Python, which needs Flask for two of the loads. Each round
 * restarts both, in turns; medians and ratios within a round are what counts. Linux only.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs, promisify } from 'node:util'
import { freePort } from '../free-port.ts'
import { useOfTree } from './process-tree.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '64' },
    threads: { type: 'string', default: '4' },
    python: { type: 'string', default: '/usr/bin/python3' },
    gunicorn: { type: 'string', default: 'gunicorn' },
    loads: { type: 'string' },
  },
})

interface Load {
  readonly path: string
  /** More arguments for wrk. */
  readonly args?: readonly string[]
  /** Slow requests meanwhile: what counts is how long the others take. */
  readonly isMixed?: true
}

const lua = (name: string) => ['-s', join(import.meta.dirname, 'wsgi', `${name}.lua`)]
const close = ['-H', 'Connection: close']
const loads: Readonly<Record<string, Load>> = {
  hello: { path: '/' },
  'hello, close': { path: '/', args: close },
  flask: { path: '/flask' },
  'flask, close': { path: '/flask', args: close },
  '1 MB answer': { path: '/large' },
  '1 MB file': { path: '/file' },
  '1 MB upload': { path: '/upload', args: lua('upload') },
  'slow mix, p99': { path: '/', isMixed: true },
}

const workers = 2

/** Both serve so many requests of a load before it is measured, or for so many seconds. */
const warmRequests = 10_000
const mostWarmUps = 5
const apps = join(import.meta.dirname, 'wsgi')
const sides = ['gunicorn', 'tsicorn'] as const
type Side = (typeof sides)[number]

interface Result {
  /** Requests per second; for a mix, the milliseconds within which 99 % are answered. */
  readonly rate: number
  /** Microseconds of processor time per request. */
  readonly cpu: number
}

const names = values.loads?.split(';') ?? Object.keys(loads)
const results = new Map(names.map(name => [name, { gunicorn: [] as Result[], tsicorn: [] as Result[] }]))
for (let round = 0; round < Number(values.rounds); round += 1) {
  for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
    const port = await freePort()
    const server = await start(side, port)
    try {
      for (const name of names) {
        const load = loads[name]
        if (load === undefined) throw new Error(`there is no load ${name}: ${Object.keys(loads).join(', ')}`)
        results.get(name)?.[side].push(await measure(load, port, server.pid as number))
      }
    } finally {
      server.kill('SIGTERM')
      await once(server, 'exit')
    }
  }
}

console.log('| load | Gunicorn | tsicorn | ratio | us, Gunicorn | us, tsicorn |')
console.log('| --- | ---: | ---: | ---: | ---: | ---: |')
for (const [name, { gunicorn, tsicorn }] of results) {
  const ratios = tsicorn.map(({ rate }, n) => rate / (gunicorn[n]?.rate ?? Number.NaN))
  const cells = [
    ...[gunicorn, tsicorn].map(all => median(all.map(({ rate }) => rate)).toFixed(0)),
    median(ratios).toFixed(2),
    ...[gunicorn, tsicorn].map(all => median(all.map(({ cpu }) => cpu)).toFixed(0)),
  ]
  console.log(`| ${[name, ...cells].join(' | ')} |`)
}

async function start(side: Side, port: number) {
  const own = ['-w', `${workers}`, '--threads', values.threads, '-b', `127.0.0.1:${port}`, '--chdir', apps]
  const tsicorn = join(import.meta.dirname, '../../daemon/tsicorn.js')
  const [program, args] =
    side === 'gunicorn'
      ? [values.gunicorn, ['-k', 'gthread', '--keep-alive', '65', ...own, 'app']]
      : [process.execPath, [tsicorn, '-k', 'wsgi', '--python', values.python, ...own, 'app']]
  const server = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  server.stderr.setEncoding('utf8').on('data', text => {
    said += text
  })
  for (let tries = 0; !(await isServing(port)); tries += 1) {
    if (server.exitCode !== null || tries > 600) throw new Error(`${side} does not serve:\n${said}`)
    await sleep(50)
  }
  return server
}

async function isServing(port: number): Promise<boolean> {
  return await fetch(`http://127.0.0.1:${port}/flask`).then(
    response => response.ok,
    () => false,
  )
}

async function measure({ path, args = [], isMixed }: Load, port: number, pid: number): Promise<Result> {
  const url = `http://127.0.0.1:${port}`
  const seconds = Number(values.seconds)
  // Node compiles what runs often: on a machine that is shared, a second of it may be too short for that.
  for (let requests = 0, tries = 0; requests < warmRequests && tries < mostWarmUps; tries += 1)
    requests += (await wrk(1, values.connections, args, `${url}${path}`)).requests
  const before = useOfTree(pid).cpu
  const slow = isMixed ? wrk(seconds, '3', [], `${url}/slow`) : undefined
  const { requests, rate, p99 } = await wrk(
    seconds,
    isMixed ? '16' : values.connections,
    args,
    `${url}${path}`,
  )
  await slow
  const cpu = ((useOfTree(pid).cpu - before) / requests) * 1e6
  return { rate: isMixed ? p99 : rate, cpu }
}

async function wrk(seconds: number, connections: string, args: readonly string[], url: string) {
  const all = ['-t', '1', '-c', connections, '-d', `${seconds}s`, '--latency', ...args, url]
  const { stdout } = await promisify(execFile)('wrk', all)
  const [, requests = 0] = /(\d+) requests in/.exec(stdout) ?? []
  const [, rate = 0] = /Requests\/sec:\s+([\d.]+)/.exec(stdout) ?? []
  const [, p99 = 0, unit = ''] = /99%\s+([\d.]+)(us|ms|s)\b/.exec(stdout) ?? []
  const failed = /(?:Socket errors|Non-2xx)[^\n]*/.exec(stdout)
  if (failed !== null) console.error(`${url}: ${failed[0]}`)
  return {
    requests: Number(requests),
    rate: Number(rate),
    p99: Number(p99) * { us: 0.001, ms: 1, s: 1_000 }[unit as 's'],
  }
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle) - 1] ?? 0)) / 2
}
