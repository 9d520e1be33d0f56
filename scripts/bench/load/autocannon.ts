/** Runs autocannon, where no other load generator is installed: its latencies are whole milliseconds. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { inPackage } from '../sides/cache.ts'
import { type Generator, patienceFor } from './load.ts'
import { urlOf } from './target.ts'

export const autocannonPackage = 'autocannon@9.0.0'

interface Output {
  readonly duration: number
  readonly '2xx': number
  readonly non2xx: number
  readonly errors: number
  readonly latency: { readonly p50: number; readonly p99: number; readonly p99_9: number }
}

export const autocannon: Generator = async (target, { path, postedBytes, isFresh, connections }, extent) => {
  const args = [
    ...[
      '--json',
      '--no-progress',
      '-c',
      `${connections}`,
      '-d',
      `${Math.max(1, Math.round(extent.seconds))}`,
    ],
    ...(isFresh ? ['-D', '1', '-H', 'Connection=close'] : []),
    ...(target.socket === undefined ? [] : ['-S', target.socket]),
    ...(postedBytes === undefined ? [] : ['-m', 'POST', '-b', 'x'.repeat(postedBytes)]),
    urlOf(target, path),
  ]
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [inPackage('autocannon/autocannon.js'), ...args],
    {
      maxBuffer: 2 ** 26,
      timeout: patienceFor(extent),
      env: { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: '0' },
    },
  )
  const { duration, non2xx, errors, latency, ...output } = JSON.parse(stdout) as Output
  return {
    requests: output['2xx'],
    seconds: duration,
    failed: non2xx + errors,
    p50: latency.p50,
    p99: latency.p99,
    p999: latency.p99_9,
  }
}
