/**
 * Imported by Node before the app, as in `node --import preload.ts app.js`: so the app is the main module of a process
 * that is already a worker. Threads and child processes of the app may inherit the option; there this does nothing.
 */
import { enableCompileCache } from 'node:module'
import { isMainThread } from 'node:worker_threads'
import { arbiterVariable, cacheVariable } from './protocol/frame.ts'

if (isMainThread && process.env[arbiterVariable] !== undefined) {
  const cache = process.env[cacheVariable]
  delete process.env[cacheVariable]
  if (cache !== undefined) enableCompileCache(cache)
  const { appMayRun } = await import('./main.ts')
  await appMayRun
}
