import module from 'node:module'

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
    await registerTsx()
    return import(url)
  }
  try {
    return await import(url)
  } catch (error) {
    if (!isTypeScriptTrouble(error)) throw error
    await registerTsx()
    // Node keeps the failure of a module for good; a query makes it a new one.
    return import(`${url}?tsx`)
  }
}

async function registerTsx(): Promise<void> {
  const [esm, cjs] = await Promise.all([import('tsx/esm/api'), import('tsx/cjs/api')])
  cjs.register()
  esm.register()
}

function isTypeScriptTrouble(error: unknown): boolean {
  return error instanceof Error && 'code' in error && tsxWouldHelp.has(String(error.code))
}
