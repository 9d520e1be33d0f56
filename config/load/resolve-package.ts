import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * The URL of a package that code in this folder could import, or undefined where there is none. Throws what Node says of
 * one that is there and cannot be used.
 *
 * `import.meta.resolve` knows only its own module as the importer, and `require.resolve` not the "import" conditions.
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
