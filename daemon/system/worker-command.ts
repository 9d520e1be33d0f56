/** The command line and the environment of a worker. */
import { existsSync } from 'node:fs'
import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { entryFile } from '../../hooks/own-files.ts'
import { arbiterVariable, cacheVariable, threadsVariable } from '../../worker/protocol/frame.ts'
import type { Start, WorkerUser } from '../../worker/protocol/messages.ts'
import { ourselves, toWord } from './process-identity.ts'

const preload = entryFile('worker/preload')
const workerFile = fileURLToPath(preload)

/** SIGUSR1, often sent to whole process groups, would open a port where any local user can run code as the worker. */
const closed = ['--disable-sigusr1'] as const

/**
 * Node runs the app's file with the worker preloaded; without a file, the worker is the main module. A worker with
 * threads is both, because each thread has the options of its process.
 */
export function workerCommand(
  app: string | undefined,
  args: readonly string[],
  hasThreads = false,
): readonly string[] {
  const preloaded = [`--import=${preload.href}`, hasThreads ? workerFile : (app as string)]
  const main = app === undefined && !hasThreads ? [workerFile] : preloaded
  return [...process.execArgv, ...closed, ...main, ...args]
}

/** Why no worker of Node can start, if an installation under way, or broken, has removed what it runs. */
export function whyNoWorker(): string | undefined {
  if (existsSync(workerFile)) return undefined
  return `tsicorn's own file "${workerFile}" is not there: install tsicorn again`
}

/** Identifies this arbiter to others that find its workers: they are orphans once it is gone. */
const ourName = toWord(ourselves())

/** In the environment of all workers, until a worker deletes it. */
export const arbiterMark = `${arbiterVariable}=${ourName}`

/** Node makes a folder in it for its version. */
const cache = ownCache()

function ownCache(): string | undefined {
  const folder = getCompileCacheDir()
  return folder === undefined ? undefined : dirname(folder)
}

/**
 * The index lets an app tell its workers apart; the second variable is PM2's name for it. A worker that becomes another
 * user could not write to our cache.
 */
export function workerEnvironment(
  env: NodeJS.ProcessEnv,
  { index, identity }: Pick<Start, 'index' | 'identity'>,
  hasThreads = false,
): NodeJS.ProcessEnv {
  return {
    ...env,
    TSICORN_WORKER_INDEX: `${index}`,
    NODE_APP_INSTANCE: `${index}`,
    [arbiterVariable]: ourName,
    ...(hasThreads ? { [threadsVariable]: '1' } : {}),
    ...(cache === undefined || identity !== undefined ? {} : { [cacheVariable]: cache }),
  }
}

/** The variables of a user account, for a process that does not set them itself. */
export function accountVariables({ user, home }: Partial<WorkerUser> = {}): Readonly<Record<string, string>> {
  return {
    ...(user === undefined ? {} : { USER: user, LOGNAME: user }),
    ...(home === undefined ? {} : { HOME: home }),
  }
}

/** Name and value of `NAME=value`, the form of `raw_env`. */
export function splitPair(pair: string): readonly [string, string] {
  const middle = pair.indexOf('=')
  return [pair.slice(0, middle), pair.slice(middle + 1)]
}
