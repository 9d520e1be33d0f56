/**
 * The fork server of a generation (`preload_app` with `wsgi`): one Python process imports the app, and forks the hosts
 * of all workers, which so share the memory of what was imported. `worker/python/host.py` has the other half.
 */
import type { ChildProcess } from 'node:child_process'
import type { Duplex, Readable } from 'node:stream'
import type { Resolved } from '../../config/resolve/resolve.ts'
import { messageOf } from '../../hooks/thrown.ts'
import { bootAnswer } from '../../worker/python/boot-answer.ts'
import { pythonCommand, whyNotStarted } from '../../worker/python/command.ts'
import { type End, endOf } from '../../worker/python/ended.ts'
import { sized } from '../../worker/python/frame.ts'
import { type Forks, workerSettings } from '../generation/generation.ts'
import { captureLines } from '../logs/captured-output.ts'
import type { ErrorLog } from '../logs/error-log.ts'
import { trySpawn } from '../system/spawn.ts'
import { accountVariables, arbiterMark, splitPair } from '../system/worker-command.ts'
import { makeSocketFolder, type SocketFolder } from './socket-folder.ts'

export interface ForkServerOptions {
  readonly resolved: Resolved
  /** The environment that workers start from. */
  readonly env: NodeJS.ProcessEnv
  readonly log: ErrorLog
}

/** The descriptor of its channel, as in `host.py`. */
const controlFd = 3

/** The pause before another one is started, in milliseconds: doubled each time, up to the most. */
const pauseMs = 1_000
const mostPauseMs = 30_000

/** One that has lived so long was no failure from the start, in milliseconds. */
const stableMs = 60_000

const stopped = 'it was stopped'

/** How long its end may take when it is told to leave, in milliseconds. */
const leaveMs = 1_000

/** Resolves with the fork server once the app is loaded, or with the reason why it is not. */
export async function startForkServer(
  options: ForkServerOptions,
  signal: AbortSignal,
): Promise<Forks | string> {
  if (signal.aborted) return stopped
  const { owner, settings } = options.resolved
  const server = new ForkServer(options, makeSocketFolder(settings.worker_tmp_dir, owner))
  signal.addEventListener('abort', () => server.close(), { once: true })
  const why = await server.boot()
  if (why === undefined && !signal.aborted) return server
  server.close()
  return why ?? stopped
}

class ForkServer implements Forks {
  readonly #options: ForkServerOptions
  readonly #folder: SocketFolder
  #process: ChildProcess | undefined
  #isClosed = false
  #pause = pauseMs

  constructor(options: ForkServerOptions, folder: SocketFolder) {
    this.#options = options
    this.#folder = folder
  }

  get path(): string {
    return this.#folder.socket
  }

  /** Starts a process; resolves with undefined once it has loaded the app, else with the reason. */
  async boot(): Promise<string | undefined> {
    const { log, resolved } = this.#options
    const { boot_timeout } = resolved.settings
    const { app } = workerSettings(resolved)
    const since = performance.now()
    let isLate = false
    let timer: NodeJS.Timeout | undefined
    try {
      const { child, ended } = this.#spawn()
      this.#process = child
      const giveUp = () => {
        isLate = true
        child.kill('SIGKILL')
      }
      if (boot_timeout > 0) timer = setTimeout(giveUp, boot_timeout * 1_000)
      await bootAnswer(child.stdio?.[controlFd] as Duplex | undefined, app, ended)
      log.info(`Fork server (pid ${child.pid}) has loaded the app: workers share its memory`)
      void ended.then(({ how }) => this.#restart(`${child.pid}`, how, performance.now() - since))
      return undefined
    } catch (error) {
      return isLate ? `The app did not load within boot_timeout (${boot_timeout} s)` : messageOf(error)
    } finally {
      clearTimeout(timer)
    }
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    const child = this.#process
    ;(child?.stdio?.[controlFd] as Duplex | undefined)?.end()
    const kill = () => void child?.kill('SIGKILL')
    const timer = setTimeout(kill, leaveMs).unref()
    process.once('exit', kill)
    child?.once('exit', () => {
      clearTimeout(timer)
      process.off('exit', kill)
    })
    this.#folder.remove()
  }

  /** @throws AppError, and the error of `spawn` */
  #spawn(): { readonly child: ChildProcess; readonly ended: Promise<End> } {
    const { log, resolved } = this.#options
    const { settings, owner } = resolved
    const env = this.#environment()
    const [python, ...args] = pythonCommand(workerSettings(resolved), {
      ...{ cwd: settings.chdir, env, forks: this.path },
    })
    this.#folder.clear()
    const child = trySpawn(python, args, {
      ...{ cwd: settings.chdir, env, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] },
      // Before Python runs: what it reads at its start may belong to that user.
      ...(owner?.uid === undefined ? {} : { uid: owner.uid }),
      ...(owner?.gid === undefined ? {} : { gid: owner.gid }),
    })
    if (child instanceof Error) throw new Error(whyNotStarted(child, python))
    const control = child.stdio?.[controlFd] as Duplex | undefined
    control?.on('error', () => undefined)
    control?.write(sized(Buffer.from(JSON.stringify(env))))
    for (const stream of [child.stdout, child.stderr])
      if (stream) captureLines(stream as Readable, lines => log.print(lines, child.pid))
    return { child, ended: endOf(child, python) }
  }

  /** Until a worker says what its host gets, it is that of all workers. */
  #environment(): NodeJS.ProcessEnv {
    const { resolved, env } = this.#options
    const pairs = [...resolved.settings.raw_env, arbiterMark].map(splitPair)
    return { ...env, ...accountVariables(resolved.owner), ...Object.fromEntries(pairs) }
  }

  /** The hosts that it has forked serve on, and workers start others without it. */
  #restart(which: string, how: string, livedMs: number): void {
    if (this.#isClosed) return
    if (livedMs > stableMs) this.#pause = pauseMs
    const { log } = this.#options
    log.error(
      `Fork server (pid ${which}) ${how}: its processes serve on, and another one is started in ${this.#pause / 1_000} s`,
    )
    this.#later()
  }

  #later(): void {
    setTimeout(() => void this.#bootAgain(), this.#pause).unref()
    this.#pause = Math.min(mostPauseMs, this.#pause * 2)
  }

  async #bootAgain(): Promise<void> {
    if (this.#isClosed) return
    const why = await this.boot()
    if (why === undefined || this.#isClosed) return
    this.#options.log.error(
      `Another fork server could not be started: ${why}: next try in ${this.#pause / 1_000} s`,
    )
    this.#later()
  }
}
