/** Reads the source files of a project, and finds circles in their imports. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path/posix'

/** A source file, and its imports within the project. */
export interface Module {
  /** Path from the root, with slashes. */
  readonly path: string
  readonly lines: number
  readonly imports: readonly Import[]
  /** Imported modules of Node: `node:fs`. */
  readonly builtins: readonly string[]
}

export interface Import {
  /** Path from the root. */
  readonly target: string
  readonly line: number
  /** It is gone when the program runs. */
  readonly isType: boolean
}

/** Reads all TypeScript and JavaScript files below these folders of a root; a missing folder counts as empty. */
export function readModules(root: string, folders: readonly string[]): Module[] {
  return folders.flatMap(folder => sourcesIn(root, folder)).map(path => readModule(root, path))
}

/** One circle of imports for each knot: the names in order, with the first one repeated at the end. */
export function findCircles(graph: Iterable<readonly [string, readonly string[]]>): string[][] {
  const imports = new Map(graph)
  const finished = new Set<string>()
  const circles: string[][] = []

  function visit(path: string, trail: readonly string[]): void {
    const start = trail.indexOf(path)
    if (start !== -1) circles.push([...trail.slice(start), path])
    if (start !== -1 || finished.has(path)) return
    for (const target of imports.get(path) ?? []) visit(target, [...trail, path])
    finished.add(path)
  }

  for (const path of imports.keys()) visit(path, [])
  return circles
}

function sourcesIn(root: string, folder: string): string[] {
  if (!existsSync(join(root, folder))) return []
  const entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
  return entries
    .filter(entry => entry.isFile() && /\.[cm]?[jt]s$/.test(entry.name))
    .map(entry => join(entry.parentPath, entry.name).slice(join(root, '/').length))
    .sort()
}

function readModule(root: string, path: string): Module {
  const source = readFileSync(join(root, path), 'utf8')
  const found = importsOf(source)
  const imports = found.filter(({ specifier }) => specifier.startsWith('.'))
  return {
    path,
    lines: source.split('\n').length - (source.endsWith('\n') ? 1 : 0),
    imports: imports.map(({ specifier, ...rest }) => ({ target: join(dirname(path), specifier), ...rest })),
    builtins: found.map(({ specifier }) => specifier).filter(specifier => specifier.startsWith('node:')),
  }
}

/**
 * Static imports and re-exports begin a line, as the formatter writes them; `import('...')` with a literal may be
 * anywhere but in a comment. Type imports count: they tie a file to another as well.
 */
export function importsOf(source: string): (Omit<Import, 'target'> & { readonly specifier: string })[] {
  const found = [statement, sideEffect, call].flatMap(pattern => [...source.matchAll(pattern)])
  return found
    .sort((one, other) => one.index - other.index)
    .map(match => ({
      specifier: match[1]!,
      isType: /^(?:import|export)\s+type\b/.test(match[0]),
      line: source.slice(0, match.index + match[0].lastIndexOf(match[1]!)).split('\n').length,
    }))
}

const statement = /^(?:import|export)\s+[\w$*{},\s]*?\bfrom\s*['"]([^'"\n]+)['"]/gm
const sideEffect = /^import\s*['"]([^'"\n]+)['"]/gm
const call = /^(?!\s*(?:\*|\/\/|\/\*)).*?\bimport\(\s*['"]([^'"\n]+)['"]/gm
