/** The process of a Python host: how it starts, what it is told besides requests, and how it ends. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Duplex, Readable } from 'node:stream'
import { packageFile } from '../../hooks/own-files.ts'
import { AppError, AppFailed, AppMissing } from '../protocol/boot-error.ts'
import type { WorkerSettings } from '../protocol/messages.ts'
import { openStore } from './channel.ts'
import { failedFrame, frameBytes, missingFlag, readFrameStart, readyFrame, unusableFlag } from './frame.ts'

/** The settings that a host is started with. */
export type HostSettings = Pick<
  WorkerSettings,
  'app' | 'threads' | 'python' | 'pythonpath' | 'paste' | 'raw_paste_global_conf'
>

/** The descriptors of the host, as in `host.py`. */
const controlFd = 3
const queueFd = 4
const stacksFd = 5
const firstChannelFd = 7

/** How long the stacks of threads may take, and how long nothing may follow for them to be complete, in milliseconds. */
const stacksMs = 1_000
const quietMs = 150

/** How long the last words of a process that has ended may take to arrive, in milliseconds. */
const lastWordsMs = 1_000

export class HostProcess {
  readonly #child: ChildProcess
  readonly #control: Duplex | undefined
  readonly queue: Duplex
  readonly channels: readonly Duplex[]
  /** The descriptor of the file for large pieces of answers. */
  readonly store: number | undefined
  /** Rejects with the error that prevents the app from being loaded. */
  readonly ready: Promise<void>
  /** How it ended, in words, once everything that it said has been read; never rejects. */
  readonly ended: Promise<string>
  #stacks = ''
  #hasEnded = false

  constructor(settings: HostSettings, cwd: string) {
    const [python, ...args] = hostCommand(settings, cwd)
    const { threads } = settings
    const pipes = (count: number) => Array<'pipe'>(count).fill('pipe')
    this.store = openStore()
    const child = spawn(python, args, {
      cwd,
      stdio: [
        ...(['ignore', 'inherit', 'inherit'] as const),
        ...[...pipes(3), this.store ?? ('ignore' as const), ...pipes(threads)],
      ],
    })
    this.#child = child
    // Without descriptors it has none, and an error follows.
    const streams = (child.stdio ?? []) as unknown as readonly Duplex[]
    this.#control = streams[controlFd]
    this.queue = streams[queueFd] as Duplex
    this.channels = streams.slice(firstChannelFd)
    for (const stream of [this.#control, this.queue, streams[stacksFd]]) stream?.on('error', () => undefined)
    const stacks = streams[stacksFd] as Readable | undefined
    stacks?.setEncoding('latin1').on('data', (text: string) => {
      this.#stacks += text
    })
    const kill = () => this.kill()
    process.once('exit', kill)
    this.ended = new Promise<string>(resolve => {
      const end = (how: string) => {
        this.#hasEnded = true
        process.off('exit', kill)
        if (this.store !== undefined) closeSync(this.store)
        resolve(how)
      }
      child.once('error', error => {
        if (child.pid === undefined) end(whyNotStarted(error, python))
      })
      child.once('exit', (code, signal) => {
        const how = signal === null ? `ended with code ${code}` : `was killed by ${signal}`
        const crash = () => (this.#stacks === '' ? how : `${how}:\n${this.#stacks.trimEnd()}`)
        // A process that it has started may hold the descriptors.
        const timer = setTimeout(() => end(crash()), lastWordsMs)
        for (const channel of this.channels) channel.resume()
        child.once('close', () => {
          clearTimeout(timer)
          end(crash())
        })
      })
    })
    this.ready = this.#boot(settings.app)
    this.ready.catch(() => this.kill())
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** Where its threads are, in the words of Python's `faulthandler`, which needs no thread that can run. */
  async stacks(): Promise<string> {
    this.#stacks = ''
    if (!this.#child.kill('SIGUSR1')) return ''
    const until = performance.now() + stacksMs
    for (let before = ''; performance.now() < until; ) {
      await new Promise(resolve => setTimeout(resolve, quietMs))
      if (this.#stacks !== '' && this.#stacks === before) break
      before = this.#stacks
    }
    const found = this.#stacks.trimEnd()
    this.#stacks = ''
    return found
  }

  /** It ends after the requests that its threads have. */
  end(): void {
    for (const socket of [this.queue, this.#control, ...this.channels]) socket?.end()
  }

  kill(): void {
    if (!this.#hasEnded && this.#child.pid !== undefined) this.#child.kill('SIGKILL')
  }

  async #boot(app: string): Promise<void> {
    const named = `The app ${JSON.stringify(app)}`
    let said = Buffer.alloc(0)
    const answer = new Promise<void>((resolve, reject) => {
      this.#control?.on('data', (chunk: Buffer) => {
        said = Buffer.concat([said, chunk])
        if (said.length < frameBytes) return
        const { kind, flags, length } = readFrameStart(said, 0)
        if (said.length < frameBytes + length) return
        if (kind === readyFrame) return resolve()
        if (kind !== failedFrame) return
        const text = said.toString('utf8', frameBytes)
        if (flags & missingFlag) reject(new AppMissing(`Cannot load the app ${JSON.stringify(app)}: ${text}`))
        else if (flags & unusableFlag) reject(new AppError(`${named} cannot be used: ${text}`))
        else reject(new AppFailed(`${named} failed: ${text}`))
      })
    })
    const early = this.ended.then(how => {
      throw new AppFailed(
        this.#child.pid === undefined
          ? how
          : `${named} failed: Python ${how} before it had loaded it; what it printed is in the log, and it has to be 3.9 or later`,
      )
    })
    await Promise.race([answer, early])
  }
}

function whyNotStarted({ message, code }: NodeJS.ErrnoException, python: string): string {
  if (code === 'EMFILE' || code === 'ENFILE' || code === 'EAGAIN')
    return `Cannot start Python (${python}): ${message}: raise the limit of open files, or of processes`
  const why = code === 'ENOENT' ? 'there is no such program' : message
  return `Cannot start Python (${python}): ${why}: install Python 3.9 or later, or name it with the setting python`
}

/** The program, and its arguments. */
function hostCommand(settings: HostSettings, cwd: string): readonly [string, ...string[]] {
  const { app, paste, threads, pythonpath, raw_paste_global_conf: globals } = settings
  return [
    findPython(settings.python, cwd),
    packageFile('worker/wsgi/host.py'),
    ...(paste === null ? ['module', moduleSpec(app)] : ['paste', paste]),
    ...[String(threads), String(process.pid)],
    ...pythonpath.flatMap(path => ['--path', resolve(cwd, path)]),
    ...globals.flatMap(pair => ['--global', pair]),
  ]
}

/** The setting, then the virtual environment that is active, then the one beside the app, then that of the path. */
function findPython(setting: string | null, cwd: string): string {
  if (setting !== null) return setting.includes('/') ? resolve(cwd, setting) : setting
  const { VIRTUAL_ENV: active } = process.env
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
