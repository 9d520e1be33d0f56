/** A server as it is deployed: releases behind a symbolic link, logs in a folder of their own, a pidfile. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { settingNamed } from '../../../config/table.ts'
import type { Random } from '../random.ts'
import type { AttackedServer } from '../server/attacked.ts'
import type { Honest } from '../server/honest.ts'
import { becomes } from '../server/patience.ts'
import { signal } from '../server/session.ts'
import type { Turn } from '../turn.ts'

/** How many workers may be wanted. */
export const mostWanted = 4

const kinds = ['keep-alive', 'fresh', 'fresh, unix', 'POST echoed', 'slow', 'WebSocket']

const honestApp = fileURLToPath(new URL('../served/listener.mjs', import.meta.url))

export const goodApp = `export { default, upgrade } from ${JSON.stringify(honestApp)}\n`

/** A configuration; `more` are properties of it, `before` are statements. `LIMIT` is how many seconds a wait may take. */
export function configuration(more = '', before = ''): string {
  const limit = settingNamed('hook_timeout') === undefined ? '' : 'hook_timeout: LIMIT,'
  return `${before}
export default {
  app: './app.mjs', bind: ['127.0.0.1:0', 'unix:../app.sock'], workers: 2, boot_timeout: LIMIT, ${limit}
  accesslog: '../logs/access.log', pidfile: '../app.pid', ${more}
}\n`
}

export class World {
  readonly turn: Turn
  readonly server: AttackedServer
  readonly honest: Honest
  readonly #limit: number
  #release = 1
  #excuses: (() => void)[] = []

  private constructor(turn: Turn, server: AttackedServer, honest: Honest, limit: number) {
    this.#limit = limit
    this.turn = turn
    this.server = server
    this.honest = honest
  }

  static async open(turn: Turn): Promise<World | undefined> {
    const release = { 'app.mjs': goodApp, 'tsicorn.config.mjs': configuration() }
    const began = performance.now()
    const files = [1, 2].flatMap(number =>
      Object.entries(release).map(
        ([name, text]) => [`releases/${number}/${name}`, text.replaceAll('LIMIT', '60')] as const,
      ),
    )
    const server = await turn.start({
      files: Object.fromEntries([...files, ['logs/access.log', '']]),
      under: ['sh', '-c', 'ln -s releases/1 current && exec "$@"', 'sh'],
      args: ['--chdir=current', '-c', 'current/tsicorn.config.mjs'],
    })
    if (server === undefined) return undefined
    // On a busy machine good things take their time too.
    const limit = Math.ceil(3 + (performance.now() - began) / 500)
    const world = new World(turn, server, await turn.welcome(server, { kinds }), limit)
    await world.calm()
    return world
  }

  get random(): Random {
    return this.turn.random
  }

  get workers(): readonly number[] {
    return this.server.workers
  }

  /** How many workers the log says are wanted. */
  get wanted(): number {
    return this.server.wanted ?? 2
  }

  path(name: string): string {
    return join(this.server.folder, name)
  }

  /** Writes a file of the release in force. */
  write(name: 'app.mjs' | 'tsicorn.config.mjs', text: string): void {
    this.server.tsicorn.write(
      `releases/${this.#release}/${name}`,
      text.replaceAll('LIMIT', String(this.#limit)),
    )
  }

  /** The link leads to the other release from now on. */
  switchRelease(): void {
    this.#release = 3 - this.#release
    symlinkSync(`releases/${this.#release}`, this.path('next'))
    renameSync(this.path('next'), this.path('current'))
  }

  /** What is done explains these failures until the next calm. */
  excuse(...excuse: Parameters<Honest['excuse']>): void {
    this.#excuses.push(this.honest.excuse(...excuse))
  }

  /** After a flood of TTIN: a machine that is busy with a fleet of any size proves nothing. */
  async limitScale(): Promise<void> {
    // The arbiter hears a flood in its own time, and equal signals that come together are one.
    await sleep(100)
    await becomes(() => {
      const isFew = this.wanted <= mostWanted
      if (!isFew) this.server.signal('SIGTTOU')
      return isFew
    }, 20)
  }

  /** Stops a process for a while. */
  async suspend(pid: number, ms: number): Promise<void> {
    if (!signal(pid, 'SIGSTOP')) return
    await sleep(ms)
    signal(pid, 'SIGCONT')
  }

  /** Everything is as it should be, and the server has to be so again before long. */
  async calm(): Promise<void> {
    const { turn, server } = this
    this.write('app.mjs', goodApp)
    this.write('tsicorn.config.mjs', configuration())
    rmSync(this.path('logs'), { recursive: true, force: true })
    mkdirSync(this.path('logs'))
    await this.limitScale()
    if (server.isAlive) await turn.reload(server, 2)
    // The first reload may have been superseded by one of the storm's.
    if (this.wanted === 0) server.signal('SIGTTIN')
    const isCalm = () => server.workers.length === this.wanted && existsSync(this.path('app.pid'))
    if (server.isAlive && !(await becomes(isCalm, 45))) {
      const pidfile = existsSync(this.path('app.pid')) ? '' : ', and no pidfile'
      turn.violated(`There are ${server.workers.length} workers instead of ${this.wanted}${pidfile}`)
    }
    for (const end of this.#excuses.splice(0)) end()
  }

  /** Puts something in the place of a file. */
  replace(name: string, by: 'FIFO' | 'folder' | 'dangling link' | 'link loop'): void {
    const path = this.path(name)
    const draft = `${path}.${by}`
    rmSync(draft, { recursive: true, force: true })
    if (!existsSync(this.path('logs'))) return
    if (by === 'folder') mkdirSync(draft)
    else if (by === 'FIFO') execFileSync('mkfifo', [draft])
    else symlinkSync(by === 'link loop' ? path : this.path('nowhere/at/all'), draft)
    // The server may make the file again in between; a folder then cannot take its place.
    rmSync(path, { recursive: true, force: true })
    try {
      renameSync(draft, path)
    } catch (error) {
      if (!['ENOTDIR', 'EISDIR'].includes((error as NodeJS.ErrnoException).code as string)) throw error
    }
  }
}
