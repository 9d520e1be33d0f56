/** Resolves a package from another folder. */
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * The URL of a package that code in this folder could import, or undefined if there is none. Throws Node's error for a
 * package that exists but cannot be used.
 *
 * `import.meta.resolve` only resolves from its own module, and `require.resolve` ignores "import" conditions.
 */
export function resolvePackage(name: string, folder: string): string | undefined {
  const parentURL = pathToFileURL(join(folder, 'importer.js')).href
  const alias = 'tsicorn:package'
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      specifier === alias ? next(name, { ...context, parentURL }) : next(specifier, context),
  })
  try {
    return import.meta.resolve(alias)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') return undefined
    throw error
  } finally {
    hooks.deregister()
  }
}
