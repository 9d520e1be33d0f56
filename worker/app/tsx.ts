/** Loads the app through tsx, where Node cannot load it by itself. */
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isMainThread } from 'node:worker_threads'
import { hasTsxHelpers, stopTsxHelpers as stopHelpers } from '../../config/load/tsx.ts'
import { passBarrier } from '../process/arbiter-channel.ts'

let isUsed = false

/** Makes tsx load everything that this process imports from now on. */
export async function registerTsx(url: string): Promise<void> {
  isUsed = true
  const [esm, cjs] = await Promise.all([import('tsx/esm/api'), import('tsx/cjs/api')])
  const { nearestTsconfig, withTsconfig } = await import('../../config/load/fresh-import.ts')
  const nearest = nearestTsconfig(dirname(fileURLToPath(url)))
  // tsx looks upwards from the working folder, and tolerates a tsconfig there that extends a missing package, as that
  // of a deployed app may do. A tsconfig that it is given must be complete.
  const tsconfig = nearest === nearestTsconfig(process.cwd()) ? undefined : nearest
  withTsconfig(process.env.TSX_TSCONFIG_PATH ?? tsconfig, () => {
    cjs.register()
    esm.register()
  })
}

/** Call when the app is loaded. Other threads of the worker may still need theirs, and have them back soon after. */
export async function stopTsxHelpers(): Promise<void> {
  if (!isUsed && !hasTsxHelpers()) return
  await passBarrier('loaded')
  stopHelpers(!isMainThread)
  await passBarrier('stopped')
}
