/** Finds the file of an app: the arbiter starts Node with it, and the worker waits for its exports. */
import { readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** Tried in this order when an app is named without its extension, or by its folder. */
export const extensions = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs', '.tsx', '.jsx']

/** The path of `path:export`. */
export function appPathOf(app: string): string {
  return app.split(':', 1)[0] as string
}

/** The file at that path below `cwd`, absolute, without resolving symbolic links; undefined where there is none. */
export function findAppFile(named: string, cwd: string): string | undefined {
  const path = resolve(cwd, named)
  const main = mainOf(path)
  return (
    fileOf(path) ?? (main && (fileOf(main) ?? fileOf(join(main, 'index')))) ?? fileOf(join(path, 'index'))
  )
}

function fileOf(path: string): string | undefined {
  const candidates = [path, ...extensions.map(ending => path + ending)]
  return candidates.find(candidate => statSync(candidate, { throwIfNoEntry: false })?.isFile())
}

/** The file that `node .` would run. */
function mainOf(folder: string): string | undefined {
  const file = join(folder, 'package.json')
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) return undefined
  try {
    const { main } = JSON.parse(readFileSync(file, 'utf8'))
    return typeof main === 'string' ? resolve(folder, main) : undefined
  } catch (error) {
    // Node's own error will say what is wrong with it.
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
