import module from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Files that Node cannot run, or not all of: enums, decorators, tsconfig paths, JSX, extensionless imports. */
const needsTsx = /\.(?:[mc]?ts|tsx|jsx)$/

/** What Node says when JavaScript imports TypeScript that it cannot strip by itself. */
const tsxWouldHelp = new Set([
  'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX',
  'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING',
  'ERR_UNKNOWN_FILE_EXTENSION',
])

/**
 * Imports a user's module, through tsx when it is TypeScript. Stacks of its errors point into the sources.
 *
 * @throws what the module throws, as it is
 */
export async function importUser(url: string): Promise<Readonly<Record<string, unknown>>> {
  module.setSourceMapsSupport(true)
  if (needsTsx.test(url)) {
    await registerTsx(url)
    return import(url)
  }
  try {
    return await import(url)
  } catch (error) {
    if (!isTypeScriptTrouble(error)) throw error
    await registerTsx(url)
    // Node keeps the failure of a module for good; a query makes it a new one.
    return import(`${url}?tsx`)
  }
}

async function registerTsx(url: string): Promise<void> {
  const [esm, cjs] = await Promise.all([import('tsx/esm/api'), import('tsx/cjs/api')])
  const { nearestTsconfig, withTsconfig } = await import('../config/fresh.ts')
  const nearest = nearestTsconfig(dirname(fileURLToPath(url)))
  // tsx looks upwards from the working folder. What it finds there it takes even when that extends a missing package, as
  // the tsconfig of a deployed app may well do; what it is given has to be whole.
  const tsconfig = nearest === nearestTsconfig(process.cwd()) ? undefined : nearest
  withTsconfig(process.env.TSX_TSCONFIG_PATH ?? tsconfig, () => {
    cjs.register()
    esm.register()
  })
}

function isTypeScriptTrouble(error: unknown): boolean {
  return error instanceof Error && 'code' in error && tsxWouldHelp.has(String(error.code))
}
