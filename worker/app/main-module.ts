/** Runs the app as Node's main module, and returns its exports. */
import module from 'node:module'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { needsTsx, tsxMayHelp } from '../../config/load/tsx.ts'
import type { Exports } from './exports.ts'
import { registerTsx } from './tsx.ts'

/** Node cannot load the app, but tsx may be able to. `cause` is Node's error. */
export class NeedsTsx extends Error {
  override readonly name = 'NeedsTsx'
}

const { promise, resolve: letAppRun } = Promise.withResolvers<void>()

/** Node waits for this before it runs the main module. */
export const appMayRun: Promise<void> = promise

export interface RunOptions {
  /** Use tsx: Node failed before. */
  readonly tsx: boolean
}

let onMainError: ((error: unknown) => Promise<void>) | undefined

/** From now on, errors of the main module end the process as in any program; it may still be running. */
export function stopWatchingMain(): void {
  if (onMainError !== undefined) process.off('uncaughtException', onMainError)
  onMainError = undefined
}

/** Whether the app itself handles `uncaughtException`: then Node does not exit. */
export function appSurvives(): boolean {
  return process.listeners('uncaughtException').some(listener => listener !== onMainError)
}

/**
 * Called once in the life of a process. The stacks of the app's errors point to its sources.
 *
 * @throws NeedsTsx, and the errors of the app, unchanged
 */
export async function runApp(url: string, { tsx }: RunOptions): Promise<Exports> {
  module.setSourceMapsSupport(true)
  const isTsx = tsx || needsTsx(url)
  if (isTsx) await registerTsx(url)
  try {
    return await (isMain(url) ? runMain(url) : importPackage(url))
  } catch (error) {
    if (isTsx || !tsxMayHelp(error, url)) throw error
    throw new NeedsTsx((error as Error).message.split('\n')[0], { cause: error })
  }
}

/** The arbiter starts Node with the file of the app; a package can only be found by the worker. */
function isMain(url: string): boolean {
  const [, main] = process.argv
  return main !== undefined && pathToFileURL(main).href === url
}

async function importPackage(url: string): Promise<Exports> {
  process.argv[1] = fileURLToPath(url)
  return await import(url)
}

async function runMain(url: string): Promise<Exports> {
  let failure: { readonly error: unknown } | undefined
  // Node would exit, but the arbiter must learn why the app does not load.
  const onError = async (error: unknown) => {
    // A rejection may be reported here before the code that awaits it runs.
    await turn()
    if (failure !== undefined && isSameError(error, failure.error)) return
    stopWatchingMain()
    throw error
  }
  onMainError = onError
  process.on('uncaughtException', onError)
  letAppRun()
  // After this turn Node has begun to load it as the main module.
  await turn()
  try {
    const exports: Exports = await import(url)
    stopWatchingMain()
    return exports
  } catch (error) {
    failure = { error }
    throw error
  }
}

/** Each attempt to parse a broken module creates another error. */
function isSameError(one: unknown, other: unknown): boolean {
  if (one === other) return true
  const areErrors = one instanceof Error && other instanceof Error
  return areErrors && one.name === other.name && one.message === other.message
}
