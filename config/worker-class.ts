/** What follows from the kind of worker, and from a Python application for the kind of worker. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join, parse, relative, resolve } from 'node:path'
import type { Range } from './kinds/worker-count.ts'

/** Begins the origin of a `worker_class` that follows from `threads`. */
const byThreads = 'threads, '

/** More than one, because one slow request would hold up all others of its worker. */
const wsgiThreads = 4

/** Sets what nobody has set; `values` are all settings. */
export function settleWorkerClass(values: Record<string, unknown>, origins: Record<string, string>): void {
  const { app, paste, chdir, pythonpath } = values as {
    readonly app: string | null
    readonly paste: string | null
    readonly chdir: string
    readonly pythonpath: readonly string[]
  }
  if (app === null && paste !== null) {
    values.app = paste
    origins.app = origins.paste as string
  }
  const { threads } = values as { readonly threads: number }
  if (origins.worker_class === 'default') {
    const reason =
      paste !== null ? origins.paste : app === null ? undefined : pythonFile(app, chdir, pythonpath)
    if (reason !== undefined) {
      values.worker_class = 'wsgi'
      origins.worker_class = reason
    } else if (threads > 1) {
      values.worker_class = 'threads'
      origins.worker_class = `${byThreads}${origins.threads}`
    }
  }
  if (values.worker_class === 'wsgi' && origins.threads === 'default') values.threads = wsgiThreads
  if (values.worker_class === 'threads' && origins.threads === 'default')
    values.threads = threadsPerWorker(values.workers as number | Range)
}

/** So many that all workers together use each core. */
function threadsPerWorker(workers: number | Range): number {
  const most = typeof workers === 'number' ? workers : workers.max
  return Math.max(1, Math.ceil(availableParallelism() / most))
}

/** What made `worker_class` what it is, for the log; undefined where it was set. */
export function deducedFrom(
  { app, threads }: { readonly app: string | null; readonly threads: number },
  origins: Readonly<Record<string, string>>,
): string | undefined {
  const { worker_class: origin = '' } = origins
  if (origin.startsWith(byThreads))
    return `threads is ${threads}: worker_class is threads; say so with -k threads`
  if (!origin.endsWith('.py')) return undefined
  return `${app} is Python (${origin}): worker_class is wsgi; say so with -k wsgi`
}

const module = /^(?:\.\/)?[\w/.]+$/

/** The Python file that the app names, where Node has none of that name; relative to `chdir` where it is below. */
function pythonFile(app: string, chdir: string, pythonpath: readonly string[]): string | undefined {
  const [name = ''] = app.split(':', 1)
  if (!module.test(name)) return undefined
  const isFile = name.endsWith('.py')
  const path = isFile ? name : name.replaceAll('.', '/')
  if (!isFile && (name.includes('/') || isForNode(name, chdir))) return undefined
  const endings = isFile ? [''] : ['.py', '/__init__.py']
  const found = [chdir, ...pythonpath]
    .flatMap(folder => endings.map(ending => resolve(chdir, folder, `${path}${ending}`)))
    .find(file => existsSync(file))
  if (found === undefined) return undefined
  const near = relative(chdir, found)
  return near.startsWith('..') ? found : near
}

const nodeEnding = /^\.[cm]?[jt]sx?$/

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

/** A file or folder that Node would run, or a package. */
function isForNode(name: string, chdir: string): boolean {
  const path = resolve(chdir, name)
  const isBeside = (folder: string, base: string) =>
    isFolder(folder) &&
    readdirSync(folder).some(entry => parse(entry).name === base && nodeEnding.test(parse(entry).ext))
  return (
    isBeside(dirname(path), parse(`${path}.js`).name) ||
    existsSync(join(path, 'package.json')) ||
    existsSync(join(chdir, 'node_modules', name)) ||
    ['.js', '.mjs', '.cjs', '.ts', '.mts'].some(ending => existsSync(join(path, `index${ending}`)))
  )
}
