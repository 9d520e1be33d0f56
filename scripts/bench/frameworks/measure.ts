/** Loads one server with one kind of request, by h2load, and says what each cost. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { nanosecondsOf } from '../process-tree.ts'
import type { RunningServer } from './servers.ts'

interface Kind {
  readonly path: string
  /** Beside those that h2load sends. */
  readonly headers?: readonly string[]
  readonly body?: string
}

const browserHeaders = [
  'accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'accept-language: en-GB,en;q=0.9',
  'accept-encoding: gzip, deflate, br, zstd',
  'authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl',
  'cookie: session=0123456789abcdef; theme=dark',
  'cache-control: no-cache',
  'referer: http://127.0.0.1/somewhere',
  'sec-fetch-dest: document',
  'sec-fetch-mode: navigate',
  'sec-fetch-site: same-origin',
]

/** The kinds of requests; all apps answer the first two, and those of Hono all. */
export const kinds = {
  text: { path: '/' },
  json: { path: '/json' },
  headers: { path: '/headers', headers: browserHeaders },
  later: { path: '/later' },
  post: {
    path: '/post',
    headers: ['content-type: application/json'],
    body: JSON.stringify({ name: 'tsicorn', list: [1, 2, 3], text: 'x'.repeat(200) }),
  },
  stream: { path: '/stream' },
} as const satisfies Readonly<Record<string, Kind>>

export type KindName = keyof typeof kinds

export interface Load {
  readonly requests: number
  readonly connections: number
  readonly isHttp2: boolean
}

export interface Measurement {
  /** Requests per second. */
  readonly rate: number
  /** Microseconds of the server's processor time per request. */
  readonly cpu: number
}

export async function measure(server: RunningServer, kind: Kind, load: Load): Promise<Measurement> {
  const before = nanosecondsOf(server.pid)
  const seconds = await run(server, kind, load)
  const cpu = (nanosecondsOf(server.pid) - before) / 1_000
  return { rate: load.requests / seconds, cpu: cpu / load.requests }
}

/** Returns the seconds that it took; throws unless all requests were answered well. */
async function run({ port }: RunningServer, kind: Kind, load: Load): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'tsicorn-bench-'))
  try {
    const data = join(folder, 'body')
    if (kind.body !== undefined) writeFileSync(data, kind.body)
    const { stdout } = await promisify(execFile)('h2load', [
      ...(load.isHttp2 ? ['-m', '8'] : ['--h1']),
      ...['-n', `${load.requests}`, '-c', `${load.connections}`],
      ...(kind.headers ?? []).flatMap(header => ['-H', header]),
      ...(kind.body === undefined ? [] : ['-d', data]),
      `http://127.0.0.1:${port}${kind.path}`,
    ])
    const [, seconds = '', unit = ''] = /finished in ([\d.]+)(m?s)/.exec(stdout) ?? []
    // It calls answers without a reason phrase failed.
    const isGood = stdout.includes(` ${load.requests} done`) && / 0 errored,.* 0 4xx, 0 5xx/s.test(stdout)
    if (!isGood || seconds === '') throw new Error(`Not all requests were answered:\n${stdout}`)
    return Number(seconds) / (unit === 'ms' ? 1_000 : 1)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
