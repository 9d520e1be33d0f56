/**
 * A real tsicorn for a test: started in a folder of its own, watched through its log, and gone without a trace when the
 * test is over.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const root = fileURLToPath(new URL('../..', import.meta.url))

// Hundreds of servers run from these sources: types are stripped, and code is compiled, once.
process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules/.cache/tsicorn-tests')

// The control sockets of all servers of this process.
const runtimeFolder = mkdtempSync(join(tmpdir(), 'tsicorn-run-'))
process.env.XDG_RUNTIME_DIR = runtimeFolder
process.once('exit', () => rmSync(runtimeFolder, { recursive: true, force: true }))

export interface LaunchOptions {
  readonly args?: readonly string[]
  /** What is added to the environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Files by their path in the folder of the test. */
  readonly files?: Readonly<Record<string, string>>
  /** Where to start it; a folder of its own by default. */
  readonly folder?: string
  /** Lines of level error and critical are part of the test. */
  readonly errors?: boolean
  /** What it inherits, from descriptor 3 on. */
  readonly descriptors?: readonly number[]
  /** Start this instead of the command of this repository. */
  readonly command?: readonly [string, ...string[]]
}

export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export class Tsicorn {
  readonly folder: string
  readonly ended: Promise<Ending>
  log = ''
  readonly #child: ChildProcess
  readonly #options: LaunchOptions
  #read = 0
  #hasEnded = false
  #heard: () => void = () => undefined

  constructor(folder: string, options: LaunchOptions) {
    this.folder = folder
    this.#options = options
    const [program, ...before] = options.command ?? [process.execPath, join(root, 'daemon/tsicorn.js')]
    const args = [...(withStacks(options) ? [] : ['--no-timeout-stack']), ...(options.args ?? [])]
    const { PORT: _, WEB_CONCURRENCY: __, TSICORN_CMD_ARGS: ___, ...env } = process.env
    this.#child = spawn(program, [...before, ...args], {
      cwd: folder,
      env: { ...env, PWD: folder, ...options.env },
      // A session of its own: no terminal, and signals to the group of the tests do not reach it.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', ...(options.descriptors ?? [])],
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.log += text
        this.#heard()
      })
    }
    this.ended = new Promise(resolve => {
      this.#child.once('close', (code, signal) => {
        this.#hasEnded = true
        this.#heard()
        resolve({ code, signal })
      })
    })
  }

  get pid(): number {
    return this.#child.pid as number
  }

  /** Waits until the log, from where the last call stopped reading, matches; rejects when the server ends before. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = new RegExp(pattern.source, pattern.flags.replace('g', '')).exec(
        this.log.slice(this.#read),
      )
      if (match !== null) {
        this.#read += match.index + match[0].length
        return match
      }
      if (this.#hasEnded) throw new Error(`It ended without saying ${pattern}:\n${this.log}`)
      await new Promise<void>(resolve => {
        this.#heard = resolve
      })
    }
  }

  /** Waits until it serves; the address is that of the first listener. */
  async running(): Promise<string> {
    await this.says(/Running: .*\n/)
    return this.url
  }

  /** Forgets what it has said, for the next who waits for its words. */
  forget(): void {
    this.#read = this.log.length
  }

  get url(): string {
    const [, url] = /Listening at: (https?:\S+)/.exec(this.log) ?? []
    return url as string
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.pid, name)
  }

  /** Reloads, and waits for the outcome. */
  async reload(outcome = /Reload \d+: generation \d+ serves.*\n/): Promise<RegExpExecArray> {
    this.signal('SIGHUP')
    return await this.says(outcome)
  }

  /** The process ids of the workers that live. */
  get workers(): number[] {
    return childrenOf(this.pid)
  }

  /** Writes a file in the folder of the test. */
  write(path: string, text: string): void {
    writeInto(this.folder, path, text)
  }

  /** Reads a file in the folder of the test. */
  read(path: string): string {
    return readFileSync(join(this.folder, path), 'utf8')
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ending> {
    // A process may be gone a moment before its pipes close.
    if (!this.#hasEnded && isAlive(this.pid)) this.signal(signal)
    return await this.ended
  }

  /** Ends it if it lives, and checks that nothing is left of it. */
  async cleanUp(failed: boolean): Promise<void> {
    const all = [this.pid, ...Array.from(this.log.matchAll(/\(pid (\d+)\)/g), ([, pid]) => Number(pid))]
    const timer = setTimeout(() => killAll(all), 10_000)
    await this.stop()
    clearTimeout(timer)
    if (failed) {
      process.stderr.write(`--- ${this.folder} is kept; the log:\n${this.log}---\n`)
      return killAll(all)
    }
    // A pipe closes a moment before its process is gone.
    await eventually('all processes are gone', () => !all.some(isAlive)).catch(() => undefined)
    const left = all.filter(isAlive)
    killAll(left)
    expect(left, 'processes left behind').to.deep.equal([])
    if (this.#options.errors !== true) {
      expect(this.log.split('\n').filter(line => /\[(ERROR|CRITICAL)\]/.test(line))).to.deep.equal([])
    }
    if (this.#options.folder === undefined) rmSync(this.folder, { recursive: true, force: true })
  }
}

/**
 * Rooms where the thread that tells where a worker is stuck runs, as for users: where workers start, live, fail and end.
 * It takes nearly as long to start as the rest of the worker, so it is left out elsewhere unless a test sets `timeout`.
 */
const rooms = /\/test\/process\/(?:lifecycle|preload|programs|threads|wsgi)\//

let room: string | undefined

function withStacks({ args = [], command }: LaunchOptions): boolean {
  const isMeant = command !== undefined || args.includes('--timeout') || args.includes('exec')
  return isMeant || room === undefined || !room.includes('/test/process/') || rooms.test(room)
}

const launched: Tsicorn[] = []

/** Starts a tsicorn that ends with the test. */
export function launch(options: LaunchOptions = {}): Tsicorn {
  const folder = options.folder ?? makeFolder(options.files)
  const tsicorn = new Tsicorn(folder, options)
  launched.push(tsicorn)
  return tsicorn
}

const shared = new Map<string, Promise<Tsicorn>>()

/** The one that all tests of a file ask which want these options; it serves, and ends when they are over. */
export async function launchShared(options: LaunchOptions): Promise<Tsicorn> {
  const key = JSON.stringify(options)
  const serving = shared.get(key) ?? serve(options)
  shared.set(key, serving)
  const server = await serving
  server.forget()
  return server
}

async function serve(options: LaunchOptions): Promise<Tsicorn> {
  const server = launch(options)
  await server.running()
  // From now on it outlives the test.
  launched.splice(launched.indexOf(server), 1)
  return server
}

/** Starts one with an application of `test/apps` on a free port. */
export function launchApp(app: string, args: readonly string[] = [], options: LaunchOptions = {}): Tsicorn {
  return launch({ ...options, args: ['-b', '127.0.0.1:0', ...args, testApp(app)] })
}

/** The one of these that all tests of a file ask: see `launchShared`. */
export async function shareApp(app: string, args: readonly string[] = []): Promise<Tsicorn> {
  return await launchShared({ args: ['-b', '127.0.0.1:0', ...args, testApp(app)] })
}

/** Starts one with an application of this text, in `app.mjs`, on a free port. */
export function launchText(text: string, args: readonly string[] = [], options: LaunchOptions = {}): Tsicorn {
  const files = { ...options.files, 'app.mjs': text }
  return launch({ ...options, args: ['-b', '127.0.0.1:0', ...args, './app.mjs'], files })
}

export function testApp(name: string): string {
  return join(root, 'test/apps', name)
}

/** A folder with these files, in which `tsicorn` can be imported. */
export function makeFolder(files: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'tsicorn-test-'))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules/tsicorn'))
  for (const [path, text] of Object.entries(files)) writeInto(folder, path, text)
  return folder
}

function writeInto(folder: string, path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}

/** A zombie lives no more: it waits for a parent, which for the children of the dead may be slow to look. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return false
    throw error
  }
}

export function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return text === '' ? [] : text.split(' ').map(Number)
}

/** A port that nobody listens on, out of those that the kernel gives to nobody who does not ask for them by number. */
export async function freePort(): Promise<number> {
  const port = randomInt(10_000, 32_768)
  // At all addresses: an app may listen at another one than its test.
  const server = createServer().listen(port)
  const isFree = await once(server, 'listening').then(
    () => true,
    () => false,
  )
  if (!isFree) return await freePort()
  await new Promise(resolve => server.close(resolve))
  return port
}

/** Waits until something that has no words becomes true; how soon is nobody's concern. */
export async function eventually(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1_200; tries += 1) {
    if (await isTrue()) return
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  throw new Error(`Never happened: ${what}`)
}

function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    if (isAlive(pid)) process.kill(pid, 'SIGKILL')
  }
}

const later: (() => void)[] = []

/** Does so when the servers of a test have ended, which may use until then what is closed or removed. */
export function afterServers(cleanUp: () => void): void {
  later.push(cleanUp)
}

/** Whether a test failed while there was a shared server, whose log may say why. */
let hasFailed = false

/** Root hooks, which run for each file: see `.mocharc.mjs`. */
export const mochaHooks = {
  beforeEach(this: Mocha.Context): void {
    room = this.currentTest?.file
  },

  async afterAll(): Promise<void> {
    const servers = [...shared.values()]
    shared.clear()
    for (const one of servers) {
      const server = await one
      const ending = await server.stop()
      await server.cleanUp(hasFailed)
      expect(ending, 'of a shared server').to.deep.equal({ code: 0, signal: null })
    }
    hasFailed = false
  },

  async afterEach(this: Mocha.Context): Promise<void> {
    const failed = this.currentTest?.state === 'failed'
    hasFailed ||= failed
    room = undefined
    try {
      for (const tsicorn of launched.splice(0)) await tsicorn.cleanUp(failed)
    } finally {
      for (const cleanUp of later.splice(0)) cleanUp()
    }
  },
}
