/** Guards against apps that fork workers of their own, or call `process.exit` while they are loaded. */
import cluster from 'node:cluster'
import { syncBuiltinESMExports } from 'node:module'
import { isOwnFrame } from '../../hooks/own-files.ts'
import type { AppLog } from '../http/types.ts'
import { tellSync } from '../process/arbiter-channel.ts'
import { AppError } from '../protocol/boot-error.ts'
import { exitCodes } from '../protocol/exit-codes.ts'

/**
 * Makes `cluster.fork` throw, for the life of the process: an app with workers of its own serves nothing itself, and
 * its workers would not know the inherited sockets. `refused` is called even when the app swallows the error.
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
 * Logs an app that calls `process.exit` while it is loaded, and ends with the exit code of a worker that failed to
 * boot: even with code 0 the app has not booted. An app that was told to leave may exit. The returned function ends the
 * guard, and leaves in place what others have wrapped around it.
 */
export function reportAppExit(app: string, log: AppLog, isLeaving: () => boolean): () => void {
  const { exit } = process
  let isOver = false
  process.exit = (code?: number | string | null): never => {
    if (isOver || isLeaving() || calledByWorker()) return exit(code)
    const call = `called process.exit(${code ?? ''})`
    const text = `The app ${JSON.stringify(app)} ${call} while it was loaded`
    log('error', text)
    tellSync({ type: 'crashed', why: `the app ${call}`, stack: [text, ...callers()].join('\n') })
    return exit(exitCodes.workerFailedToBoot.code)
  }
  return () => {
    isOver = true
  }
}

/** The worker itself exits when it is told to stop while the app is being loaded. */
function calledByWorker(): boolean {
  const [, , , caller = ''] = (new Error().stack ?? '').split('\n')
  return isOwnFrame(caller)
}

/** The frames of the app. */
function callers(): readonly string[] {
  const [, ...frames] = (new Error().stack ?? '').split('\n')
  return frames.filter(line => !isOwnFrame(line))
}
