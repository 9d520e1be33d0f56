/** Runs wrk. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Generator, type LoadResult, patienceFor } from './load.ts'
import { urlOf } from './target.ts'

const script = fileURLToPath(new URL('./wrk.lua', import.meta.url))

/** It wants whole seconds. */
export const wrk: Generator = async (target, { path, postedBytes = 0, isFresh, connections }, extent) => {
  const duration = `${Math.max(1, Math.round(extent.seconds))}s`
  const headers = isFresh ? ['-H', 'Connection: close'] : []
  const args = [
    '-t',
    '1',
    '-c',
    `${connections}`,
    '-d',
    duration,
    '--timeout',
    '10s',
    '-s',
    script,
    ...headers,
  ]
  const { stdout } = await promisify(execFile)('wrk', [...args, urlOf(target, path)], {
    timeout: patienceFor(extent),
    env: { ...process.env, BENCH_POSTED_BYTES: `${postedBytes}` },
  })
  return JSON.parse(/^JSON(.*)$/m.exec(stdout)?.[1] ?? '') as LoadResult
}
