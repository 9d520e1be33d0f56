/**
 * Imported by Node before the app, as in `node --import preload.ts app.js`: so the app is the main module of a process
 * that is already a worker. Threads and child processes of the app may inherit the option; there this does nothing.
 */
import { isMainThread } from 'node:worker_threads'
import { arbiterVariable } from './protocol/frame.ts'

if (isMainThread && process.env[arbiterVariable] !== undefined) {
  const { appMayRun } = await import('./main.ts')
  await appMayRun
}
