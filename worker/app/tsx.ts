import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

let isUsed = false

/** From now on tsx loads what this process imports. */
export async function registerTsx(url: string): Promise<void> {
  isUsed = true
  const [esm, cjs] = await Promise.all([import('tsx/esm/api'), import('tsx/cjs/api')])
  const { nearestTsconfig, withTsconfig } = await import('../../config/load/fresh-import.ts')
  const nearest = nearestTsconfig(dirname(fileURLToPath(url)))
  // tsx looks upwards from the working folder. What it finds there it takes even when that extends a missing package, as
  // the tsconfig of a deployed app may well do; what it is given has to be whole.
  const tsconfig = nearest === nearestTsconfig(process.cwd()) ? undefined : nearest
  withTsconfig(process.env.TSX_TSCONFIG_PATH ?? tsconfig, () => {
    cjs.register()
    esm.register()
  })
}

/** To be called when the app is loaded. */
export async function stopTsxHelpers(): Promise<void> {
  if (isUsed) (await import('../../config/load/tsx.ts')).stopTsxHelpers()
}
