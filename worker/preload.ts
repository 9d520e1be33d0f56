/**
 * Imported by Node before the app, as in `node --import preload.ts app.js`: so the app is the main module of a process
 * that is already a worker, or of a thread of one. Threads and child processes of the app may inherit the option; there
 * this does nothing.
 */
import { enableCompileCache } from 'node:module'
import { isMainThread, workerData } from 'node:worker_threads'
import { arbiterVariable, cacheVariable, threadKey, threadsVariable } from './protocol/frame.ts'

const isWorker = isMainThread
  ? process.env[arbiterVariable] !== undefined
  : Object(workerData)[threadKey] !== undefined

if (isWorker) {
  const cache = process.env[cacheVariable]
  delete process.env[cacheVariable]
  if (cache !== undefined) enableCompileCache(cache)
  if (isMainThread && process.env[threadsVariable] !== undefined) {
    const { startThreads } = await import('./threads/main.ts')
    startThreads(cache)
  } else {
    const { appMayRun } = await import('./main.ts')
    await appMayRun
  }
}
