/**
 * What Node imports before the app, as in `node --import preload.ts app.js`: the app is the main module of a process that has
 * become a worker by then. Threads and child processes of the app may inherit the option, and this does nothing there.
 */
import { isMainThread } from 'node:worker_threads'
import { arbiterVariable } from './protocol/frame.ts'

if (isMainThread && process.env[arbiterVariable] !== undefined) {
  const { appMayRun } = await import('./main.ts')
  await appMayRun
}
