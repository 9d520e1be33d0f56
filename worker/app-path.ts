import { existsSync, readdirSync, statSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { basename, dirname, extname, join, parse, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { AppMissing } from './app-error.ts'

/** Tried in this order when the spec names a file without its extension, or a folder. */
const extensions = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs', '.tsx', '.jsx']

/**
 * The URL of the module that an app spec names.
 *
 * A file is looked for below `cwd` as written, symbolic links in it included; then, unless the path begins with `.` or `/`,
 * a package that code in `cwd` could import.
 *
 * @throws AppMissing
 */
export function resolveAppPath(path: string, cwd: string): string {
  const file = existingFile(resolve(cwd, path))
  if (file !== undefined) return pathToFileURL(file).href
  const isPath = /^\.{0,2}\//.test(path) || path === '.' || path === '..'
  const found = isPath ? undefined : resolvePackage(path, cwd)
  if (found !== undefined) return found
  const tried = isPath ? '' : ` and no package ${path} to import from there`
  throw new AppMissing(
    `Cannot load the app ${JSON.stringify(path)}: there is no such file in ${cwd}${tried}${cure(path, cwd)}`,
  )
}

function existingFile(path: string): string | undefined {
  const candidates = [
    path,
    ...extensions.map(ending => path + ending),
    ...extensions.map(ending => join(path, `index${ending}`)),
  ]
  return candidates.find(candidate => statSync(candidate, { throwIfNoEntry: false })?.isFile())
}

/** `import.meta.resolve` knows only its own module as the importer, and `require.resolve` not the "import" conditions. */
function resolvePackage(name: string, cwd: string): string | undefined {
  const parentURL = pathToFileURL(join(cwd, 'importer.js')).href
  const alias = 'tsicorn:app'
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      specifier === alias ? next(name, { ...context, parentURL }) : next(specifier, context),
  })
  try {
    return import.meta.resolve(alias)
  } catch (error) {
    // Other codes speak of a package that is there but cannot be used; Node says best why.
    if (codeOf(error) === 'ERR_MODULE_NOT_FOUND') return undefined
    throw new AppMissing(
      `Cannot load the app ${JSON.stringify(name)}: ${error instanceof Error ? error.message : error}`,
    )
  } finally {
    hooks.deregister()
  }
}

/** Points at a file of the same name with another extension: `./app.js` where there is `./app.ts`. */
function cure(path: string, cwd: string): string {
  const wanted = resolve(cwd, path)
  const folder = dirname(wanted)
  const unknown = ': check the path and the folder that tsicorn is started in'
  if (!existsSync(folder)) return unknown
  const sibling = readdirSync(folder).find(
    name => parse(name).name === parse(wanted).name && extensions.includes(extname(name)),
  )
  if (sibling === undefined) return unknown
  return `: did you mean ${path.slice(0, path.length - basename(path).length)}${sibling}?`
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
