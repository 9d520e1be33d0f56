/** Finds the module that an app spec names. */
import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, extname, parse, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { resolvePackage } from '../../config/load/resolve-package.ts'
import { extensions, findAppFile } from '../protocol/app-file.ts'
import { AppMissing } from '../protocol/boot-error.ts'

/**
 * The URL of the module: a file below `cwd` as written, without resolving symbolic links; else, unless the path begins
 * with `.` or `/`, a package that code in `cwd` could import.
 *
 * @throws AppMissing
 */
export function resolveAppPath(path: string, cwd: string): string {
  const file = findAppFile(path, cwd)
  if (file !== undefined) return pathToFileURL(file).href
  const isPath = /^\.{0,2}\//.test(path) || path === '.' || path === '..'
  const found = isPath ? undefined : findPackage(path, cwd)
  if (found !== undefined) return found
  const tried = isPath ? '' : ` and no package ${path} to import from there`
  throw new AppMissing(
    `Cannot load the app ${JSON.stringify(path)}: there is no such file in ${cwd}${tried}${suggestion(path, cwd)}`,
  )
}

function findPackage(name: string, cwd: string): string | undefined {
  try {
    return resolvePackage(name, cwd)
  } catch (error) {
    throw new AppMissing(
      `Cannot load the app ${JSON.stringify(name)}: ${error instanceof Error ? error.message : error}`,
    )
  }
}

/** Suggests a file of the same name with another extension: `./app.ts` for `./app.js`. */
function suggestion(path: string, cwd: string): string {
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
