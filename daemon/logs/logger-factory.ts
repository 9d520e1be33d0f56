/** Finds and loads the function that `logger_class` names. */
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { importFresh } from '../../config/load/fresh-import.ts'
import { explainLoadError } from '../../config/load/load-error.ts'
import { resolvePackage } from '../../config/load/resolve-package.ts'
import type { LoggerFactory } from '../../hooks/logger.ts'

/**
 * Loads `MODULE[:EXPORT]`: a file, relative to this folder, or a package that code there could import.
 *
 * @throws Error with one message for the user
 */
export async function loadFactory(spec: string, folder: string): Promise<LoggerFactory> {
  const [, path = spec, name = 'default'] = /^(.+?)(?::([\p{L}_$][\p{L}\d_$]*))?$/u.exec(spec) ?? []
  const what = `logger_class ${JSON.stringify(spec)}`
  const module = await load(path, folder, what)
  const found = exportOf(module, name)
  if (typeof found === 'function') return found as LoggerFactory
  const exports = Object.keys(Object(module)).filter(key => key !== 'module.exports')
  const why =
    found === undefined
      ? `it has no export ${name}, it exports ${exports.join(', ') || 'nothing'}`
      : `its export ${name} is ${kindOf(found)}`
  throw new Error(`Cannot use ${what}: ${why}: export a function that returns a logger`)
}

async function load(path: string, folder: string, what: string): Promise<unknown> {
  const file = find(path, folder, what)
  try {
    return (await importFresh(file)).module
  } catch (error) {
    const { message } = await explainLoadError(error, file)
    throw new Error(`Cannot use ${what}: ${file}: ${message}`, { cause: error })
  }
}

function find(path: string, folder: string, what: string): string {
  const file = resolve(folder, path)
  if (statSync(file, { throwIfNoEntry: false })?.isFile()) return file
  const isPath = /^\.{0,2}\//.test(path)
  const found = isPath ? undefined : resolvePackage(path, folder)
  if (found?.startsWith('file:')) return fileURLToPath(found)
  const tried = isPath ? '' : ` and no package ${path} to import from there`
  throw new Error(`Cannot use ${what}: there is no such file in ${folder}${tried}: check the path and chdir`)
}

/** An imported CommonJS module has its exports in `default`. */
function exportOf(module: unknown, name: string): unknown {
  const own = memberOf(module, name)
  const inner = memberOf(module, 'default')
  if (name !== 'default') return own ?? memberOf(inner, name)
  return memberOf(own, 'default') ?? own
}

function memberOf(value: unknown, name: string): unknown {
  return Object.hasOwn(Object(value), name) ? (value as Record<string, unknown>)[name] : undefined
}

export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
