/** Importing a module, and all that it imports, anew, although Node keeps every module that it ever loaded. */
import { existsSync, realpathSync, statSync } from 'node:fs'
import { createRequire, type LoadHookSync, registerHooks } from 'node:module'
import { dirname, join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { types } from 'node:util'
import { isInstalled, isRequired, led } from './links.ts'
import { stopTsxHelpers, tsxMayHelp } from './tsx.ts'

export interface FreshImport {
  /** The default export. */
  readonly exported: unknown
  /** All exports, as they are. */
  readonly module: unknown
  /** The module and all that it imported, absolute: as they were named, and where links led to. */
  readonly files: readonly string[]
  /** What the files looked like, to see whether one has changed. */
  readonly prints: ReadonlyMap<string, string>
}

/**
 * Imports the module at this absolute path, and all that it imports, anew: by Node, or through tsx where it cannot. Links are
 * followed here, because Node remembers for good where each of them led.
 */
export async function importFresh(path: string): Promise<FreshImport> {
  // Taken before the import: a file that is written meanwhile counts as changed.
  const before = fingerprint(path)
  const real = realpathSync(path)
  const files = new Set([path, real])
  const module = await importJavaScript(real, files).catch(async (error: unknown) => {
    if (!tsxMayHelp(error, path)) throw error
    return await importTypeScript(real, dirname(path), files)
  })
  const isEntry = (file: string) => file === path || file === real
  const prints = new Map([...files].map(file => [file, isEntry(file) ? before : fingerprint(file)]))
  return { exported: defaultOf(module), module, files: [...files], prints }
}

/** Whether all files of an import are as they were. */
export function isUnchanged({ prints }: FreshImport): boolean {
  return [...prints].every(([file, print]) => fingerprint(file) === print)
}

function fingerprint(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stat ? [stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join() : ''
}

/** CommonJS in between gives the export as `default`, or as `default.default` where it was made of TypeScript. */
function defaultOf(module: unknown): unknown {
  if (typeof module !== 'object' || module === null) return module
  if ('default' in module) return defaultOf(module.default)
  return '__esModule' in module || types.isModuleNamespaceObject(module) ? undefined : module
}

const { cache } = createRequire(import.meta.url)

/** What earlier imports brought into the cache of CommonJS, which each import makes it forget. */
const required = new Set<string>()

function forgetRequired(): void {
  for (const file of required) delete cache[file]
}

/** `folder` is the one that the file was named in. */
async function importTypeScript(path: string, folder: string, files: Set<string>): Promise<unknown> {
  const { tsImport } = await import('tsx/esm/api')
  const parentURL = pathToFileURL(path).href
  const onImport = (url: string) => {
    if (url.startsWith('file:')) files.add(fileURLToPath(url))
  }
  forgetRequired()
  const known = new Set(Object.keys(cache))
  const hooks = registerHooks({
    resolve: (specifier, context, next) => next(led(specifier, context, files), context),
    load: bridging('tsx-namespace='),
  })
  try {
    // tsx itself would look for a tsconfig in the working folder, which need not be that of the configuration.
    const nearest = nearestTsconfig(dirname(path)) ?? nearestTsconfig(folder)
    const tsconfig = process.env.TSX_TSCONFIG_PATH ?? (nearest && realpathSync(nearest))
    const module: unknown = await withTsconfig(tsconfig, () =>
      tsImport(parentURL, { parentURL, onImport, tsconfig: tsconfig ?? false }),
    )
    // On Node 22.18 tsx works in a thread of its own, whose last words are heard in the next turn of the loop.
    await nextTurn()
    return module
  } finally {
    hooks.deregister()
    stopTsxHelpers()
    // tsx tells of ES modules only; what was required shows in the cache, some of it under a name of this import.
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

/** tsx reads the variable while it is called, and takes it for CommonJS alone. */
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

/** The modules of this import get a query of their own; only for CommonJS there is a cache to purge. */
async function importJavaScript(path: string, files: Set<string>): Promise<unknown> {
  imports += 1
  const mark = `tsicorn-import=${imports}`
  const entry = `${pathToFileURL(path).href}?${mark}`
  const belongs = (parent: string | undefined) =>
    parent?.startsWith('file:') && files.has(fileURLToPath(parent))

  forgetRequired()
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      const isOurs = specifier === entry || belongs(context.parentURL)
      const found = next(isOurs ? led(specifier, context, files) : specifier, context)
      if (!found.url.startsWith('file:') || !isOurs) return found
      const file = fileURLToPath(found.url)
      files.add(file)
      if (isInstalled(file)) return found
      required.add(file)
      if (isRequired(context) || found.url.includes(mark)) return found
      return { ...found, url: `${found.url}${found.url.includes('?') ? '&' : '?'}${mark}` }
    },
    load: stripping(mark),
  })
  try {
    return await import(entry)
  } finally {
    hooks.deregister()
  }
}

/**
 * Hands CommonJS to modules whose address has this mark. Node's own bridge gives no named exports to a hooked module (22),
 * or remembers files in a place that cannot be purged, and gives unfinished exports the second time (24, 26).
 */
function bridging(mark: string): LoadHookSync {
  return (url, context, next) => {
    const isOurs = url.startsWith('file:') && url.includes(mark) && !isRequired(context)
    if (!isOurs || !isScript(fileURLToPath(url))) return next(url, context)
    // Where the format is known, Node is not asked: with tsx, Node 22.18 gives no source of CommonJS and then misses it.
    const loaded = context.format === 'commonjs' ? { format: context.format } : next(url, context)
    if (loaded.format !== 'commonjs') return loaded
    return { format: 'module', source: bridgeTo(fileURLToPath(url)), shortCircuit: true }
  }
}

/** The same without tsx, which is left CommonJS that is TypeScript. */
function stripping(mark: string): LoadHookSync {
  const bridge = bridging(mark)
  return (url, context, next) => {
    const loaded = bridge(url, context, next)
    if (loaded.format !== 'commonjs-typescript' || isRequired(context)) return loaded
    throw Object.assign(new SyntaxError('It is CommonJS'), { code: 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX' })
  }
}

const isScript = (file: string): boolean => /\.c?js$/.test(file) && !isInstalled(file)

/** The text of a module that hands on what a CommonJS file exports. */
function bridgeTo(file: string): string {
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
