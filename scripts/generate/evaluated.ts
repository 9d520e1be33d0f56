/** Sees which modules of the bundle a running process has evaluated. */
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const dist = join(root, 'dist')

export interface Evaluated {
  /** Relative to the package; those of Node as they are imported. */
  readonly modules: readonly string[]
  readonly bytes: number
}

/** The environment of processes that write down which functions were called when they are asked, into this folder. */
export function recordingTo(folder: string): Readonly<Record<'NODE_V8_COVERAGE' | 'NODE_OPTIONS', string>> {
  const code = `
    import { writeFileSync } from 'node:fs'
    import { takeCoverage } from 'node:v8'
    process.on('SIGURG', () => {
      takeCoverage()
      writeFileSync(${JSON.stringify(folder)} + '/' + process.pid + '.written', '')
    })`
  const module = `data:text/javascript,${encodeURIComponent(code)}`
  return { NODE_V8_COVERAGE: folder, NODE_OPTIONS: `--import=${module}` }
}

interface Coverage {
  readonly result: readonly { readonly url: string; readonly functions: readonly Called[] }[]
}

interface Called {
  readonly functionName: string
  readonly ranges: readonly [
    { readonly startOffset: number; readonly endOffset: number; readonly count: number },
  ]
}

/** What this process has evaluated since it was started, or asked before. */
export async function evaluatedBy(pid: number, folder: string): Promise<Evaluated> {
  process.kill(pid, 'SIGURG')
  while (!existsSync(join(folder, `${pid}.written`))) await sleep(10)
  const name = readdirSync(folder).find(file => file.startsWith(`coverage-${pid}-`)) as string
  const { result } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Coverage
  for (const file of [name, `${pid}.written`]) rmSync(join(folder, file))
  const parts = result
    .filter(({ url }) => url.startsWith(pathToFileURL(dist).href))
    .map(({ url, functions }) => evaluatedIn(fileURLToPath(url), functions))
  return {
    modules: [...new Set(parts.flatMap(({ modules }) => modules))].sort(),
    bytes: parts.reduce((total, { bytes }) => total + bytes, 0),
  }
}

/** In a bundle, what may never be evaluated is in a function that has the name of its module. */
function evaluatedIn(file: string, functions: readonly Called[]): Evaluated {
  const { sources } = JSON.parse(readFileSync(`${file}.map`, 'utf8')) as {
    readonly sources: readonly string[]
  }
  const names = sources.map(source => (hasNoFile(source) ? source : relative(root, join(dist, source))))
  const isStandIn = (name: string) => name.startsWith('stand-in:')
  const unused = functions.filter(
    ({ functionName, ranges: [{ count }] }) => count === 0 && names.includes(functionName),
  )
  const unusedNames = unused.map(({ functionName }) => functionName)
  return {
    modules: names
      .filter(name => !unusedNames.includes(name) && !isStandIn(name))
      .map(name => (hasNoFile(name) ? name.slice(name.indexOf(':') + 1) : name)),
    bytes: unused.reduce(
      (rest, { ranges: [{ startOffset, endOffset }] }) => rest - (endOffset - startOffset),
      statSync(file).size,
    ),
  }
}

/** It is one of Node, or stands in for another that is not loaded. */
function hasNoFile(source: string): boolean {
  return /^(?:builtin|whole-builtin|stand-in):/.test(source)
}
