/** A real server under attack: in a session of its own, watched through its log, and ended in any case. */
import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { fileURLToPath } from 'node:url'
import { childrenOf, isAlive, makeFolder, Tsicorn } from '../../support/tsicorn.ts'
import { type Census, takeCensus } from './census.ts'
import { Honest, type HonestOptions } from './honest.ts'
import { becomes } from './patience.ts'
import { endSession, ownSession, type Process, processesOf, signal } from './session.ts'

export interface ServerOptions {
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Files by their path in the folder of the server. */
  readonly files?: Readonly<Record<string, string>>
  /** A folder that was used before. */
  readonly folder?: string
  /** The program that starts Node, and what it is told: `['prlimit', '--nofile=64']`. */
  readonly under?: readonly string[]
  readonly node: string
}

/** An answer, or why there is none. */
export type Reply =
  | { readonly text: string; readonly error?: never }
  | { readonly text?: never; readonly error: string }

/** How long a start, and a stop with its `graceful_timeout`, may take, in seconds. */
export const startSeconds = 60
export const stopSeconds = 40

/** Which worker answers is up to the kernel. */
const mostAsked = 12

const main = fileURLToPath(new URL('../../../daemon/tsicorn.js', import.meta.url))

/**
 * What every server is told, unless it is told otherwise: clients that stay may not hold up an attack, and an answer has
 * its time on a busy machine, too.
 */
const modest = ['--graceful-timeout=15', '--log-level=debug', '--keep-alive=20']

export class AttackedServer {
  readonly folder: string
  readonly tsicorn: Tsicorn
  /** The process that is signalled; after an upgrade the new one. */
  arbiter: number
  honest: Honest | undefined

  constructor({ args = [], env, files, folder, under = [], node }: ServerOptions) {
    this.folder = folder ?? makeFolder(files)
    const command = [...under, node, '--expose-gc', main] as unknown as readonly [string, ...string[]]
    this.tsicorn = new Tsicorn(this.folder, {
      command,
      args: [...modest, ...args],
      ...(env === undefined ? {} : { env }),
    })
    this.arbiter = this.tsicorn.pid
    ownSession(this.tsicorn.pid)
  }

  get log(): string {
    return this.tsicorn.log
  }

  /** Of the first listener on TCP. */
  get address(): { readonly host: string; readonly port: number } {
    const { hostname: host, port } = new URL(this.tsicorn.url)
    return { host, port: Number(port) }
  }

  get socketPath(): string {
    return `${this.folder}/app.sock`
  }

  get isAlive(): boolean {
    return isAlive(this.arbiter)
  }

  get workers(): readonly number[] {
    return this.isAlive ? childrenOf(this.arbiter).filter(isAlive) : []
  }

  /** How many workers the log says are wanted; undefined as long as nobody has changed it. */
  get wanted(): number | undefined {
    const [, count] = Array.from(this.log.matchAll(/Wanted: (\d+) worker/g)).at(-1) ?? []
    return count === undefined ? undefined : Number(count)
  }

  /** All processes of its session. */
  get processes(): readonly Process[] {
    return processesOf(this.tsicorn.pid)
  }

  /** Whether it serves within a minute. */
  async starts(): Promise<boolean> {
    await this.says(/Running: .*\n/, 0, startSeconds)
    return this.isAlive && /Running: .*\n/.test(this.log)
  }

  /** Whether the log, from this place on, says so before long, and before the server ends. */
  async says(pattern: RegExp, from = 0, seconds = 30): Promise<RegExpExecArray | undefined> {
    let match: RegExpExecArray | null = null
    await becomes(() => {
      const isOver = !this.isAlive
      match = pattern.exec(this.log.slice(from))
      return match !== null || isOver
    }, seconds)
    return match ?? undefined
  }

  /** To the arbiter; false where it is gone. */
  signal(name: NodeJS.Signals): boolean {
    return signal(this.arbiter, name)
  }

  /** Reloads, and says whether the newest generation serves: a HUP of a moment ago may be read after this one. */
  async reloads(seconds = 60): Promise<boolean> {
    const mark = this.log.length
    if (!this.signal('SIGHUP')) return false
    let outcome: string | undefined
    await becomes(() => {
      const since = this.log.slice(mark)
      const newest = Array.from(since.matchAll(/Reload (\d+): reading/g)).at(-1)?.[1]
      outcome = new RegExp(`Reload ${newest}(: generation \\d+ serves| failed)`).exec(since)?.[1]
      return outcome !== undefined || !this.isAlive
    }, seconds)
    return outcome?.endsWith('serves') === true
  }

  /** What is answered at this path, on a connection of its own. */
  async ask(path: string, seconds = 20): Promise<Reply> {
    const { host, port } = this.address
    return await new Promise(resolve => {
      const options = { host, port, path, agent: false as const, timeout: seconds * 1_000 }
      const isSecure = this.tsicorn.url.startsWith('https:')
      // Whose certificate it is, is for honest clients to find out.
      const ask = (hear: (response: IncomingMessage) => void) =>
        isSecure ? https.get({ ...options, rejectUnauthorized: false }, hear) : http.get(options, hear)
      const request = ask(response => {
        let text = ''
        response.setEncoding('utf8').on('data', part => {
          text += part
        })
        response.on('end', () => resolve({ text }))
        response.on('error', error => resolve({ error: error.message }))
      })
      request.on('error', (error: NodeJS.ErrnoException) => resolve({ error: error.code ?? error.message }))
      request.on('timeout', () => {
        request.destroy(new Error(`silent for ${seconds} s`))
      })
    })
  }

  /** What its apps say that the worker uses which uses most, in bytes; nothing where they have other things to say. */
  async memory(): Promise<number> {
    const found = new Map<string, number>()
    for (let asked = 0; asked < mostAsked && found.size < this.workers.length; asked += 1) {
      const [, pid, bytes] = /^(\d+) (\d+)$/.exec((await this.ask('/memory')).text ?? '') ?? []
      if (pid !== undefined) found.set(pid, Number(bytes))
    }
    return Math.max(0, ...found.values())
  }

  async census(): Promise<Census> {
    const inUse = await this.memory()
    return await takeCensus(this.arbiter, this.workers, inUse)
  }

  /** Lets honest clients in. */
  welcome(options: Omit<HonestOptions, 'tcp' | 'unix'>): Honest {
    this.honest = new Honest({ ...options, tcp: this.address, unix: { path: this.socketPath } })
    return this.honest
  }

  /** TERM; whether every process of tsicorn has ended in bounded time. What an app started may outlive it. */
  async stops(name: NodeJS.Signals = 'SIGTERM', seconds = stopSeconds): Promise<boolean> {
    this.signal(name)
    return await becomes(() => this.left.length === 0, seconds)
  }

  /** The processes of tsicorn itself that live. */
  get left(): readonly Process[] {
    return this.processes.filter(({ command }) => /\btsicorn\b/.test(command))
  }

  /** Leaves nothing of it behind. */
  async end(): Promise<void> {
    await this.honest?.stop()
    await endSession(this.tsicorn.pid)
  }
}
