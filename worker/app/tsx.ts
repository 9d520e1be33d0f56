/** Loads the app through tsx, where Node cannot load it by itself. */
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

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

/** Call when the app is loaded. */
export async function stopTsxHelpers(): Promise<void> {
  if (isUsed) (await import('../../config/load/tsx.ts')).stopTsxHelpers()
}
