/** The command line of a worker, and its environment. */
import { fileURLToPath } from 'node:url'
import { arbiterVariable } from '../../worker/protocol/frame.ts'
import { ourselves, toWord } from './process-identity.ts'

const preload = new URL(`../../worker/preload.${import.meta.url.slice(-2)}`, import.meta.url)

/** SIGUSR1, which is often sent to whole groups, would open a port where any local user can run code as the worker. */
const closed = ['--disable-sigusr1'] as const

/** The worker comes first, and the app is what Node runs; without one, it is the worker. */
export function workerCommand(app: string | undefined, args: readonly string[]): readonly string[] {
  const main = app === undefined ? [fileURLToPath(preload)] : [`--import=${preload.href}`, app]
  return [...process.execArgv, ...closed, ...main, ...args]
}

/** By which a worker whose arbiter is gone is told from one that has it. */
const ourName = toWord(ourselves())

/** With its index an app tells its workers from each other; the second name is the one that PM2 has for it. */
export function workerEnvironment(env: NodeJS.ProcessEnv, index: number): NodeJS.ProcessEnv {
  return {
    ...env,
    TSICORN_WORKER_INDEX: `${index}`,
    NODE_APP_INSTANCE: `${index}`,
    [arbiterVariable]: ourName,
  }
}
