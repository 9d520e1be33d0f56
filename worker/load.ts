/** Loads the app in the way of its kind of worker. */
import type { LoadedApp, LoadOptions } from './app/load.ts'
import { appSurvives, runApp, stopWatchingMain } from './app/main-module.ts'
import { stopTsxHelpers } from './app/tsx.ts'
import type { WorkerLog } from './process/log.ts'
import type { Start } from './protocol/messages.ts'

export interface LoadParts extends Pick<LoadOptions, 'late' | 'onListen' | 'isLeaving'> {
  readonly log: WorkerLog
  /** A request took longer than it may. */
  readonly onTimeout: () => void
  /** The app can be served no more. */
  readonly onLost: (why: string) => void
}

/** Rejects with what prevents it. */
export async function load(start: Start, parts: LoadParts): Promise<LoadedApp> {
  const { settings, bindFailure, forks, tsx } = start
  const cwd = process.cwd()
  if (settings.worker_class === 'wsgi' && start.page === undefined) {
    const { loadWsgi } = await import('./wsgi/app.ts')
    return await loadWsgi({ ...parts, settings, cwd, bindFailure, forks })
  }
  const { loadApp } = await import('./app/load.ts')
  const { app: spec, backlog, wait_ready: waitReady } = settings
  const app = await loadApp({
    ...start,
    ...parts,
    ...{ spec, cwd, waitReady, backlog, log: parts.log.write },
    run: async url => await runApp(url, { tsx }),
    survives: appSurvives,
  })
  stopWatchingMain()
  await stopTsxHelpers()
  return app
}
