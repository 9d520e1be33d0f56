/** Imports a module and its imports again, although Node caches every module that it has loaded. */
import { existsSync, realpathSync, statSync } from 'node:fs'
import { createRequire, type LoadHookSync, registerHooks } from 'node:module'
import { dirname, join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { types } from 'node:util'
import { followLinks, isInstalled, isRequired } from './links.ts'
import { stopTsxHelpers, tsxMayHelp } from './tsx.ts'

export interface FreshImport {
  /** The default export. */
  readonly exported: unknown
  /** All exports, as they are. */
  readonly module: unknown
  /** The module and everything that it imported, absolute: both the given paths and the targets of symbolic links. */
  readonly files: readonly string[]
  /** Fingerprints of the files, to see whether one has changed. */
  readonly fingerprints: ReadonlyMap<string, string>
}

/**
 * Imports the module at this absolute path: with Node, or with tsx if Node cannot. Symbolic links are followed here,
 * because Node never forgets the target of a link.
 */
export async function importFresh(path: string): Promise<FreshImport> {
  // Taken before the import, so that a file written meanwhile counts as changed.
  const before = fingerprint(path)
  const real = realpathSync(path)
  const files = new Set([path, real])
  const module = await importJavaScript(real, files).catch(async (error: unknown) => {
    if (!tsxMayHelp(error, path)) throw error
    return await importTypeScript(real, dirname(path), files)
  })
  const isEntry = (file: string) => file === path || file === real
  const prints = new Map([...files].map(file => [file, isEntry(file) ? before : fingerprint(file)]))
  return { exported: defaultOf(module), module, files: [...files], fingerprints: prints }
}

/** Whether no file of an import has changed. */
export function isUnchanged({ fingerprints }: FreshImport): boolean {
  return [...fingerprints].every(([file, print]) => fingerprint(file) === print)
}

function fingerprint(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stat ? [stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join() : ''
}

/** With CommonJS involved, the export is `default`, or `default.default` if it was compiled from TypeScript. */
function defaultOf(module: unknown): unknown {
  if (typeof module !== 'object' || module === null) return module
  if ('default' in module) return defaultOf(module.default)
  return '__esModule' in module || types.isModuleNamespaceObject(module) ? undefined : module
}

const { cache } = createRequire(import.meta.url)

/** CommonJS modules of earlier imports, which each import removes from the cache. */
const required = new Set<string>()

function purgeRequired(): void {
  for (const file of required) delete cache[file]
}

/** `folder` is the one of the given path, before symbolic links. */
async function importTypeScript(path: string, folder: string, files: Set<string>): Promise<unknown> {
  const { tsImport } = await import('tsx/esm/api')
  const parentURL = pathToFileURL(path).href
  const onImport = (url: string) => {
    if (url.startsWith('file:')) files.add(fileURLToPath(url))
  }
  purgeRequired()
  const known = new Set(Object.keys(cache))
  const hooks = registerHooks({
    resolve: (specifier, context, next) => next(followLinks(specifier, context, files), context),
    load: bridgeCommonJs('tsx-namespace='),
  })
  try {
    // By itself, tsx would look for a tsconfig in the working folder, which may not be that of the configuration.
    const nearest = nearestTsconfig(dirname(path)) ?? nearestTsconfig(folder)
    const tsconfig = process.env.TSX_TSCONFIG_PATH ?? (nearest && realpathSync(nearest))
    const module: unknown = await withTsconfig(tsconfig, () =>
      tsImport(parentURL, { parentURL, onImport, tsconfig: tsconfig ?? false }),
    )
    // On Node 22.18, tsx uses a thread, whose last messages arrive in the next turn of the event loop.
    await nextTurn()
    return module
  } finally {
    hooks.deregister()
    stopTsxHelpers()
    // tsx reports ES modules only; required modules are in the cache, some under a name with the query of this import.
    for (const key of Object.keys(cache).filter(added => !known.has(added))) {
      files.add(key.replace(/\?.*$/, ''))
      if (!isInstalled(key)) required.add(key)
    }
  }
}

/** The tsconfig.json of this folder or of the nearest one above it. */
export function nearestTsconfig(folder: string): string | undefined {
  const file = join(folder, 'tsconfig.json')
  if (existsSync(file)) return file
  const parent = dirname(folder)
  return parent === folder ? undefined : nearestTsconfig(parent)
}

/** tsx reads the variable during the call, and only for CommonJS. */
export function withTsconfig<Result>(path: string | undefined, call: () => Result): Result {
  const before = process.env.TSX_TSCONFIG_PATH
  if (path === undefined || before === path) return call()
  process.env.TSX_TSCONFIG_PATH = path
  try {
    return call()
  } finally {
    if (before === undefined) delete process.env.TSX_TSCONFIG_PATH
    else process.env.TSX_TSCONFIG_PATH = before
  }
}

let imports = 0

/** Gives the modules of this import a query of their own; only CommonJS has a cache that can be purged. */
async function importJavaScript(path: string, files: Set<string>): Promise<unknown> {
  imports += 1
  const mark = `tsicorn-import=${imports}`
  const entry = `${pathToFileURL(path).href}?${mark}`
  const belongs = (parent: string | undefined) =>
    parent?.startsWith('file:') && files.has(fileURLToPath(parent))

  purgeRequired()
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      const isOurs = specifier === entry || belongs(context.parentURL)
      const found = next(isOurs ? followLinks(specifier, context, files) : specifier, context)
      if (!found.url.startsWith('file:') || !isOurs) return found
      const file = fileURLToPath(found.url)
      files.add(file)
      if (isInstalled(file)) return found
      required.add(file)
      if (isRequired(context) || found.url.includes(mark)) return found
      return { ...found, url: `${found.url}${found.url.includes('?') ? '&' : '?'}${mark}` }
    },
    load: loadJavaScript(mark),
  })
  try {
    return await import(entry)
  } finally {
    hooks.deregister()
  }
}

/**
 * Provides CommonJS to ES modules whose URL has this mark. Node's own bridge gives a hooked module no named exports
 * (22), or caches files where they cannot be purged, and returns incomplete exports the second time (24, 26).
 */
function bridgeCommonJs(mark: string): LoadHookSync {
  return (url, context, next) => {
    const isOurs = url.startsWith('file:') && url.includes(mark) && !isRequired(context)
    if (!isOurs || !isScript(fileURLToPath(url))) return next(url, context)
    // If the format is known, do not ask Node: with tsx, Node 22.18 returns no source for CommonJS, and then fails
    // without it.
    const loaded = context.format === 'commonjs' ? { format: context.format } : next(url, context)
    if (loaded.format !== 'commonjs') return loaded
    return { format: 'module', source: bridgeSource(fileURLToPath(url)), shortCircuit: true }
  }
}

/** The same without tsx; CommonJS in TypeScript is left to tsx. */
function loadJavaScript(mark: string): LoadHookSync {
  const bridge = bridgeCommonJs(mark)
  return (url, context, next) => {
    const loaded = bridge(url, context, next)
    if (loaded.format !== 'commonjs-typescript' || isRequired(context)) return loaded
    throw Object.assign(new SyntaxError('It is CommonJS'), { code: 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX' })
  }
}

const isScript = (file: string): boolean => /\.c?js$/.test(file) && !isInstalled(file)

/** The source of a module that re-exports a CommonJS file. */
function bridgeSource(file: string): string {
  const exported: unknown = createRequire(file)(file)
  const names = typeof exported === 'object' && exported !== null ? Object.keys(exported) : []
  const named = names.filter(name => name !== 'default' && name.isWellFormed())
  return [
    `import { createRequire } from 'node:module'`,
    `const exported = createRequire(${JSON.stringify(file)})(${JSON.stringify(file)})`,
    `export default exported`,
    ...named.flatMap((name, index) => [
      `const export${index} = exported[${JSON.stringify(name)}]`,
      `export { export${index} as ${JSON.stringify(name)} }`,
    ]),
  ].join('\n')
}
