/**
 * Finds and loads the configuration file.
 *
 * Workers import this module for their hooks, so it does not import the settings, and loads tsx only for TypeScript.
 */
import { existsSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ConfigError } from './config-error.ts'
import { type FreshImport, importFresh, isUnchanged } from './fresh-import.ts'
import { explainLoadError, userStack } from './load-error.ts'

/** The argument of a configuration that is a function. */
export interface ConfigContext {
  /** What the configuration is loaded for. */
  readonly command: 'serve' | 'check' | 'print'
  readonly env: Readonly<Record<string, string | undefined>>
}

export interface LoadedConfig {
  readonly config: Readonly<Record<string, unknown>>
  /** The file and everything that it imported, absolute. */
  readonly files: readonly string[]
}

const extensions = ['ts', 'mts', 'js', 'mjs', 'cjs', 'json']

/** The configuration file of a folder, absolute, or undefined if there is none; throws if it is not a file. */
export function findConfig(folder: string): string | undefined {
  const found = extensions
    .map(ending => join(folder, `tsicorn.config.${ending}`))
    .find(path => existsSync(path))
  // Reading a pipe might never end.
  if (found === undefined || statSync(found).isFile()) return found
  throw cannotRead(found, 'it is not a file')
}

/** The file that `-c` names (`PATH` or `file:PATH`), absolute; throws if there is no such file. */
export function namedConfig(named: string, folder: string): string {
  if (named.startsWith('python:')) throw cannotRead(named, 'a Python module cannot be read: name a file')
  const path = resolve(folder, named.replace(/^file:(\/\/(?=\/))?/, ''))
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat?.isFile()) return path
  throw cannotRead(named, stat ? 'it is not a file' : `there is no file ${path}`)
}

function cannotRead(named: string, why: string): ConfigError {
  return new ConfigError([{ message: `Cannot read the configuration ${JSON.stringify(named)}: ${why}` }])
}

/**
 * The keys that a configuration file sets, including hooks; for a process that loads it once.
 *
 * @throws ConfigError
 */
export async function importConfig(
  path: string,
  context: ConfigContext = { command: 'serve', env: process.env },
): Promise<Readonly<Record<string, unknown>>> {
  return (await loadConfig(path, context)).config
}

const imports = new Map<string, FreshImport>()

/** Whether loading this file would run its code: it was never loaded, has changed since, or exports a function. */
export function wouldRunCode(path: string): boolean {
  if (path.endsWith('.json')) return false
  const before = imports.get(path)
  return before === undefined || typeof before.exported === 'function' || !isUnchanged(before)
}

/**
 * Loads a file, or reuses its last exports if none of its imports has changed since: each import of TypeScript leaks
 * memory. A configuration that is a function is called each time.
 *
 * @param origin the name of the file in messages
 *
 * @throws ConfigError
 */
export async function loadConfig(path: string, context: ConfigContext, origin = path): Promise<LoadedConfig> {
  try {
    const { exported, files } = path.endsWith('.json') ? await readJson(path) : await importOnChange(path)
    const config: unknown = typeof exported === 'function' ? await exported(context) : exported
    if (isConfig(config)) return { config, files }
    const found = exported === undefined ? 'it has no default export' : `this is ${describe(config)}`
    const message = `A configuration is an object, or a function that returns one, and ${found}: write export default defineConfig({ ... })`
    throw new ConfigError([{ origin, message }])
  } catch (error) {
    if (error instanceof ConfigError) throw error
    const why = await explainLoadError(error, path)
    const stack = why.unreadable ? undefined : userStack(error)
    throw new ConfigError([{ origin, message: why.message, ...(stack === undefined ? {} : { stack }) }])
  }
}

async function importOnChange(path: string): Promise<FreshImport> {
  const before = imports.get(path)
  if (before && isUnchanged(before)) return before
  imports.delete(path)
  const fresh = await importFresh(path)
  imports.set(path, fresh)
  return fresh
}

async function readJson(path: string) {
  const { readFile } = await import('node:fs/promises')
  return { exported: JSON.parse(await readFile(path, 'utf8')) as unknown, files: [path] }
}

/** The error for a file that does not load in time. */
export function configTimedOut({
  origin,
  seconds,
}: {
  readonly origin: string
  readonly seconds: number
}): ConfigError {
  const message = `Cannot load it: it took longer than hook_timeout (${seconds} s): load it sooner, or give a longer --hook-timeout`
  return new ConfigError([{ origin, message }])
}

function isConfig(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`
}
