/**
 * Following symbolic links anew. Node remembers for the life of a process where each link led that it met in an import, so
 * a release or a ConfigMap that is switched by a link would go on as it was.
 */
import { realpathSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** What is known where a module asks for another. */
export interface ResolveContext {
  readonly parentURL?: string | undefined
  readonly conditions: Iterable<string>
}

export const isInstalled = (path: string): boolean => /[\\/]node_modules[\\/]/.test(path)

export const isRequired = ({ conditions }: Pick<ResolveContext, 'conditions'>): boolean =>
  [...conditions].includes('require')

/**
 * What a module of the user asks for, with its links followed where it is a path: the path that was meant is added to
 * `files`. What a package asks for is left alone.
 */
export function led(specifier: string, context: ResolveContext, files: Set<string>): string {
  const { parentURL } = context
  if (!/^(?:\.{0,2}\/|file:)/.test(specifier) || !parentURL?.startsWith('file:')) return specifier
  const parent = fileURLToPath(parentURL)
  if (isInstalled(parent)) return specifier
  const url = new URL(specifier, parentURL)
  const required = isRequired(context)
  const named = required ? resolve(dirname(parent), specifier) : fileURLToPath(url)
  const guesses = required || /\.[cm]?tsx?$/.test(parent) ? meanings(named) : [named]
  const path = guesses.find(guess => statSync(guess, { throwIfNoEntry: false })?.isFile())
  const real = path && realpathSync(path)
  if (real === undefined || real === path) return specifier
  files.add(path as string)
  return required ? real : `${pathToFileURL(real).href}${url.search}`
}

/** The files that CommonJS and TypeScript may mean by a path. */
function meanings(path: string): string[] {
  const endings = ['', '.ts', '.js', '.json', '.tsx', '/index.ts', '/index.js', '/index.json']
  return [...endings.map(ending => path + ending), path.replace(/\.([cm]?)js(x?)$/, '.$1ts$2')]
}
