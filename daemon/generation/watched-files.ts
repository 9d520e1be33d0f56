/** Decides which files `reload` watches. */
import { realpathSync, type Stats, statSync } from 'node:fs'
import { basename, dirname, isAbsolute, matchesGlob, relative, resolve, sep } from 'node:path'

export interface WatchedFiles {
  /** The folder of the application, absolute: its source files are watched. */
  readonly folder: string
  /** More folders of source files, absolute or relative to `folder`. */
  readonly sources?: readonly string[]
  /** The app is Python. */
  readonly isPython?: boolean
  /** More files, folders, or glob patterns, relative to `folder`. */
  readonly extra: readonly string[]
  /** The configuration file and what it imports, absolute. */
  readonly files: readonly string[]
}

/** A folder in which some files are watched. */
export interface Area {
  readonly base: string
  /** Subfolders are watched too. */
  readonly deep: boolean
  /** Whether a file is watched, by its path from the base. */
  readonly has: (way: string) => boolean
}

const nodeSource = /^[^.].*\.(?:[cm]?[jt]s|[jt]sx|json)$/
const pythonSource = /^[^.].*\.py$/

/** The areas to watch: source files in `folder`, the files that `extra` names, and `files`. */
export function areasOf({ folder, sources = [], isPython, extra, files }: WatchedFiles): Area[] {
  const imported = files.filter(file => !file.split(sep).includes('node_modules'))
  return [
    ...[folder, ...sources.map(path => resolve(folder, path))].map(base => ({
      base,
      deep: true,
      has: (way: string) => (isPython ? pythonSource : nodeSource).test(basename(way)),
    })),
    ...extra.map(text => extraArea(folder, text)),
    ...imported.map(fileArea),
  ]
}

/** The named paths that contain links, with their current targets: the kernel does not report a switched link. */
export function linkedPaths({ folder, extra, files }: WatchedFiles): ReadonlyMap<string, string> {
  const named = [folder, ...extra.map(text => resolve(folder, text)), ...files]
  return new Map(named.flatMap(path => linkTo(path)))
}

function linkTo(path: string): (readonly [string, string])[] {
  try {
    const real = realpathSync(path)
    return real === path ? [] : [[path, real]]
  } catch {
    // It is missing: for a moment during a deployment, or for good.
    return []
  }
}

function extraArea(folder: string, text: string): Area {
  const path = resolve(folder, text)
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat?.isDirectory()) return { base: path, deep: true, has: () => true }
  const names = text.split('/')
  const first = names.findIndex(name => /[*?[\]{}()!]/.test(name))
  // Routes often have brackets in their file names: an existing path is not a pattern.
  if (stat !== undefined || first === -1) return fileArea(path)
  const base = resolve(folder, names.slice(0, first).join('/') || (isAbsolute(text) ? '/' : '.'))
  const pattern = names.slice(first).join('/')
  return { base, deep: true, has: way => matchesGlob(way, pattern) }
}

/** Watches the folder, not the file: the file may be removed and created again. */
function fileArea(path: string): Area {
  return { base: dirname(path), deep: false, has: way => way === basename(path) }
}

/** Whether a file is watched, or a folder may contain one that is. */
export function isWanted(areas: readonly Area[], path: string, stats: Stats): boolean {
  return areas.some(({ base, deep, has }) => {
    if (path === base) return stats.isDirectory()
    const way = relative(base, path)
    if (!isBelow(way)) return false
    if (stats.isDirectory()) return deep && !isHidden(way)
    return !isHidden(dirname(way)) && has(way)
  })
}

function isBelow(way: string): boolean {
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}

const packageFolders: ReadonlySet<string> = new Set(['node_modules', 'site-packages'])

/**
 * Packages change only when they are installed, and tools keep their own files under dotted names. Nothing else is left
 * out: many servers are started from `dist` or `build`.
 */
function isHidden(way: string): boolean {
  return way.split(sep).some(name => packageFolders.has(name) || /^\.[^.]/.test(name))
}
