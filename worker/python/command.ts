/** The command line of a Python host, or of the fork server of a generation. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { packageFile } from '../../hooks/own-files.ts'
import { AppError } from '../protocol/boot-error.ts'
import type { WorkerSettings } from '../protocol/messages.ts'

/** The settings that Python is started with. */
export type PythonSettings = Pick<
  WorkerSettings,
  'app' | 'threads' | 'python' | 'pythonpath' | 'paste' | 'raw_paste_global_conf'
>

export interface CommandOptions {
  readonly cwd: string
  /** The environment that it gets. */
  readonly env: NodeJS.ProcessEnv
  /** Where the fork server listens; absent for a host. */
  readonly forks?: string
}

/**
 * The program, and its arguments.
 *
 * @throws AppError
 */
export function pythonCommand(
  settings: PythonSettings,
  { cwd, env, forks }: CommandOptions,
): readonly [string, ...string[]] {
  const { app, paste, threads, pythonpath, raw_paste_global_conf: globals } = settings
  return [
    findPython(settings.python, cwd, env),
    packageFile('worker/python/host.py'),
    ...(paste === null ? ['module', moduleSpec(app)] : ['paste', paste]),
    ...[String(threads), String(process.pid)],
    ...pythonpath.flatMap(path => ['--path', resolve(cwd, path)]),
    ...globals.flatMap(pair => ['--global', pair]),
    ...(forks === undefined ? [] : ['--forks', forks]),
  ]
}

export function whyNotStarted({ message, code }: NodeJS.ErrnoException, python: string): string {
  if (code === 'EMFILE' || code === 'ENFILE' || code === 'EAGAIN')
    return `Cannot start Python (${python}): ${message}: raise the limit of open files, or of processes`
  const why = code === 'ENOENT' ? 'there is no such program' : message
  return `Cannot start Python (${python}): ${why}: install Python 3.9 or later, or name it with the setting python`
}

/** The setting, then the virtual environment that is active, then the one beside the app, then that of the path. */
function findPython(setting: string | null, cwd: string, { VIRTUAL_ENV: active }: NodeJS.ProcessEnv): string {
  if (setting !== null) return setting.includes('/') ? resolve(cwd, setting) : setting
  const candidates = [...(active ? [join(active, 'bin/python')] : []), join(cwd, '.venv/bin/python')]
  return candidates.find(path => existsSync(path)) ?? 'python3'
}

/** @throws AppError for what names a file, as Gunicorn's spec names a module */
function moduleSpec(spec: string): string {
  const [path = '', ...rest] = spec.split(':')
  if (/^\w+(?:\.\w+)*$/u.test(path) && !path.endsWith('.py')) return spec
  const module = path.replace(/^\.\//, '').replace(/\.py$/, '').replaceAll('/', '.')
  const cure = /^\w+(?:\.\w+)*$/u.test(module) ? [module, ...rest].join(':') : 'package.module:application'
  throw new AppError(`The app ${JSON.stringify(spec)} names no Python module: write it as ${cure}`)
}
