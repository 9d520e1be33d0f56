import cluster from 'node:cluster'
import { syncBuiltinESMExports } from 'node:module'
import type { AppLog } from '../http/types.ts'
import { AppError } from '../protocol/boot-error.ts'
import { exitCodes } from '../protocol/exit-codes.ts'

/**
 * Refuses `cluster.fork`, for the life of the process: an app that makes its own workers serves nothing itself, and they would
 * not know of the inherited sockets. `refused` hears of it even when the app swallows the error.
 */
export function refuseCluster(refused: (error: AppError) => void): void {
  cluster.fork = () => {
    const error = new AppError(
      'The app starts its own workers with node:cluster: tsicorn does that, so export the app or let it listen without cluster',
    )
    refused(error)
    throw error
  }
  syncBuiltinESMExports()
}

/**
 * Until the returned function is called, an app that calls `process.exit` is named as the reason that the worker ends, with the
 * code of a worker that failed to boot: an app that leaves with 0 has not booted either. One that was told to leave may. What
 * others have put around it stays.
 */
export function reportAppExit(app: string, log: AppLog, isLeaving: () => boolean): () => void {
  const { exit } = process
  let isOver = false
  process.exit = (code?: number | string | null): never => {
    if (isOver || isLeaving() || calledByWorker()) return exit(code)
    log('error', `The app ${JSON.stringify(app)} called process.exit(${code ?? ''}) while it was loaded`)
    return exit(exitCodes.workerFailedToBoot.code)
  }
  return () => {
    isOver = true
  }
}

/** The worker itself may have to leave while the app is being loaded, when it is told to stop. */
function calledByWorker(): boolean {
  const [, , , caller = ''] = (new Error().stack ?? '').split('\n')
  return caller.includes(new URL('..', import.meta.url).href)
}
