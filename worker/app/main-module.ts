/** Has Node run the app, and returns what it exports. */
import module from 'node:module'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { needsTsx, tsxMayHelp } from '../../config/load/tsx.ts'
import type { Exports } from './exports.ts'
import { registerTsx } from './tsx.ts'

/** Node cannot load the app, and tsx may be able to. `cause` is the error of Node. */
export class NeedsTsx extends Error {
  override readonly name = 'NeedsTsx'
}

const { promise, resolve: letAppRun } = Promise.withResolvers<void>()

/** Node waits for this before it runs the main module. */
export const appMayRun: Promise<void> = promise

export interface RunOptions {
  /** Node has failed before. */
  readonly tsx: boolean
}

let onMainError: ((error: unknown) => Promise<void>) | undefined

/** From now on the errors of the main module, which may await for ever, end the process as those of any program. */
export function stopWatchingMain(): void {
  if (onMainError !== undefined) process.off('uncaughtException', onMainError)
  onMainError = undefined
}

/** Whether the app has a listener of its own for what nobody catches: with one, Node goes on. */
export function appSurvives(): boolean {
  return process.listeners('uncaughtException').some(listener => listener !== onMainError)
}

/**
 * Called once in the life of a process. Stacks of the app's errors point into its sources.
 *
 * @throws NeedsTsx, and what the app throws, as it is
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

/** The arbiter names a file as the main module. Where to find a package, only the worker finds out. */
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
  // Node would end the process, and it is the arbiter that is to hear why the app does not load.
  const hear = async (error: unknown) => {
    // What is rejected may be heard of before who waits for it has learned of it.
    await turn()
    if (failure !== undefined && isSameError(error, failure.error)) return
    stopWatchingMain()
    throw error
  }
  onMainError = hear
  process.on('uncaughtException', hear)
  letAppRun()
  // By then Node has begun to load it, as the main module.
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

/** Each attempt to read what is no code makes an error of its own. */
function isSameError(one: unknown, other: unknown): boolean {
  if (one === other) return true
  const areErrors = one instanceof Error && other instanceof Error
  return areErrors && one.name === other.name && one.message === other.message
}
