/** The command line of a worker. */
import { fileURLToPath } from 'node:url'

const preload = new URL(`../../worker/preload.${import.meta.url.slice(-2)}`, import.meta.url)

/** SIGUSR1, which is often sent to whole groups, would open a port where any local user can run code as the worker. */
const closed = ['--disable-sigusr1'] as const

/** The worker comes first, and the app is what Node runs; without one, it is the worker. */
export function workerCommand(app: string | undefined, args: readonly string[]): readonly string[] {
  const main = app === undefined ? [fileURLToPath(preload)] : [`--import=${preload.href}`, app]
  return [...process.execArgv, ...closed, ...main, ...args]
}
