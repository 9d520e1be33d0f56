/**
 * Follows symbolic links on each import. Node caches the target of each imported link for the life of a process, so a
 * release or a ConfigMap that is switched by a link would never change.
 */
import { realpathSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** The context of a resolve hook. */
export interface ResolveContext {
  readonly parentURL?: string | undefined
  readonly conditions: Iterable<string>
}

export const isInstalled = (path: string): boolean => /[\\/]node_modules[\\/]/.test(path)

export const isRequired = ({ conditions }: Pick<ResolveContext, 'conditions'>): boolean =>
  [...conditions].includes('require')

/**
 * The specifier of an import with symbolic links resolved, if it is a path in a module of the user; adds the path
 * before links to `files`. Imports of packages are not changed.
 */
export function followLinks(specifier: string, context: ResolveContext, files: Set<string>): string {
  const { parentURL } = context
  if (!/^(?:\.{0,2}\/|file:)/.test(specifier) || !parentURL?.startsWith('file:')) return specifier
  const parent = fileURLToPath(parentURL)
  if (isInstalled(parent)) return specifier
  const url = new URL(specifier, parentURL)
  const required = isRequired(context)
  const named = required ? resolve(dirname(parent), specifier) : fileURLToPath(url)
  const paths = required || /\.[cm]?tsx?$/.test(parent) ? candidates(named) : [named]
  const path = paths.find(one => statSync(one, { throwIfNoEntry: false })?.isFile())
  const real = path && realpathSync(path)
  if (real === undefined || real === path) return specifier
  files.add(path as string)
  return required ? real : `${pathToFileURL(real).href}${url.search}`
}

/** The files that a path may stand for in CommonJS and TypeScript. */
function candidates(path: string): string[] {
  const endings = ['', '.ts', '.js', '.json', '.tsx', '/index.ts', '/index.js', '/index.json']
  return [...endings.map(ending => path + ending), path.replace(/\.([cm]?)js(x?)$/, '.$1ts$2')]
}
