/** Finds the syntax error in a module that the app imports: Node names neither its file nor its line. */
import { execFile } from 'node:child_process'
import { dirname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { linesOf, type Place } from './source.ts'

/** How many modules are checked; each takes a process of its own. */
const mostModules = 30

/** How long all checks together may take, in milliseconds: the page waits for them. */
const checksMs = 3_000

/** Checks the modules that `file` imports by relative paths, the nearest first; the file itself has been checked. */
export async function findSyntaxError(file: string): Promise<Place | undefined> {
  const seen = new Set([file])
  for (const path of seen) {
    if (seen.size > mostModules) break
    for (const imported of importsOf(path)) seen.add(imported)
  }
  const until = performance.now() + checksMs
  for (const path of [...seen].slice(1, mostModules)) {
    const left = Math.floor(until - performance.now())
    if (left <= 0) break
    const place = await check(path, left)
    if (place !== undefined) return place
  }
  return undefined
}

function importsOf(file: string): readonly string[] {
  const text = linesOf(file)?.join('\n') ?? ''
  const found = text.matchAll(/\b(?:from|import|require)\s*\(?\s*(['"])(\.{1,2}\/[^'"\n]+\.[cm]?[jt]s)\1/g)
  return Array.from(found, ([, , path]) => resolve(dirname(file), path as string))
}

async function check(file: string, timeout: number): Promise<Place | undefined> {
  try {
    await promisify(execFile)(process.execPath, ['--check', file], { timeout })
    return undefined
  } catch (failure) {
    const { stderr = '' } = failure as { readonly stderr?: string }
    const [first = '', , marked = ''] = stderr.split('\n')
    const [, line] =
      [file, pathToFileURL(file).href]
        .filter(path => first.startsWith(`${path}:`))
        .map(path => /^:(\d+)$/.exec(first.slice(path.length)))
        .find(found => found !== null) ?? []
    const column = /^\s*\^/.exec(marked)?.[0].length
    return line === undefined
      ? undefined
      : { file, line: Number(line), ...(column === undefined ? {} : { column }) }
  }
}
