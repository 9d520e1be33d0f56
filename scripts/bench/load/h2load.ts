/** Runs h2load: for HTTP/2, and for unix sockets, which wrk has not. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { percentile } from '../report/statistics.ts'
import { type Extent, type Generator, patienceFor } from './load.ts'
import { urlOf } from './target.ts'

/** How many requests of a connection of HTTP/2 are under way at once. */
const streams = 4

export const h2load: Generator<Extent> = async (
  target,
  { path, postedBytes, isFresh, connections },
  extent,
) => {
  const folder = mkdtempSync(join(tmpdir(), 'tsicorn-bench-'))
  try {
    const [log, body] = [join(folder, 'log'), join(folder, 'body')]
    if (postedBytes !== undefined) writeFileSync(body, 'x'.repeat(postedBytes))
    const began = performance.now()
    await promisify(execFile)(
      'h2load',
      [
        ...(target.protocol === 'http2' ? ['-m', `${streams}`] : ['--h1']),
        ...('seconds' in extent ? ['-D', `${extent.seconds}`] : ['-n', `${extent.requests}`]),
        ...['-c', `${connections}`, '--log-file', log],
        ...(isFresh ? ['-H', 'connection: close'] : []),
        ...(target.socket === undefined ? [] : ['-B', `unix:${target.socket}`]),
        ...(postedBytes === undefined ? [] : ['-d', body]),
        urlOf(target, path),
      ],
      { maxBuffer: 2 ** 26, timeout: patienceFor(extent) },
    )
    const seconds = 'seconds' in extent ? extent.seconds : (performance.now() - began) / 1_000
    return resultOf(readFileSync(log, 'latin1'), seconds)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Its log has a line per request: when it began, the status, and how many microseconds it took. */
function resultOf(log: string, seconds: number) {
  const rows = log.split('\n').flatMap(line => (line === '' ? [] : [line.split('\t')]))
  const good = rows.filter(([, status]) => status === '200')
  const sorted = good.map(([, , microseconds]) => Number(microseconds) / 1_000).sort((a, b) => a - b)
  return {
    requests: good.length,
    seconds,
    failed: rows.length - good.length,
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
    p999: percentile(sorted, 0.999),
  }
}
