/** Starts `app-process.ts` on a socket that is bound, and says what became of the app in it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import net from 'node:net'
import { join } from 'node:path'
import type { InheritedListener } from '../../../worker/protocol/messages.ts'

export const apps = join(import.meta.dirname, '../../apps')

export interface Loaded {
  readonly shape: string
  readonly listening?: readonly number[]
  readonly intercepted?: number
  readonly upgrade: boolean
  /** Whether the server was announced before it listened. */
  readonly early: boolean
  readonly address: string | AddressInfo | null
}

export interface Failed {
  readonly name: string
  readonly message: string
  readonly stack: string
}

export interface LoadRequest {
  readonly spec: string
  readonly cwd?: string
  readonly check?: boolean
  readonly waitReady?: boolean
  readonly env?: Readonly<Record<string, string>>
  /** Bind a unix socket at this path instead of a port. */
  readonly path?: string
  /** Have another server listen on the port, which was bound before and so without an error. */
  readonly taken?: boolean
}

/** A process that loads an app as a worker does. */
export class AppWorker {
  readonly port: number
  readonly log: string[] = []
  /** What the process has written to its standard outputs. */
  output = ''
  readonly exited: Promise<[number | null, NodeJS.Signals | null]>
  readonly #child: ChildProcess
  readonly #close: () => void
  readonly #outcome: Promise<{ readonly loaded?: Loaded; readonly failed?: Failed }>

  constructor(request: LoadRequest) {
    const { fd, port, close } = request.path === undefined ? bindPort() : bindPath(request.path)
    this.port = port
    const rival = request.taken ? bindPort(port) : undefined
    const rivalServer = rival && net.createServer().listen(rival.handle)
    this.#close = () => {
      close()
      rivalServer?.close()
    }
    const { spec, cwd = apps, check = false, waitReady = false, path, env } = request
    const listener: InheritedListener =
      path === undefined
        ? {
            fd: 3,
            spare: -1,
            reuse_port: false,
            of_app: false,
            late: false,
            name: `http://127.0.0.1:${port}`,
            host: '127.0.0.1',
            port,
          }
        : { fd: 3, spare: -1, reuse_port: false, of_app: false, late: false, name: `unix:${path}`, path }
    const options = JSON.stringify({
      spec,
      cwd,
      check,
      waitReady,
      listeners: [listener],
      bindFrom: 'operator',
      mayBind: false,
      unbound: [],
    })
    const { PORT: _, ...inherited } = process.env
    this.#child = spawn(process.execPath, [join(import.meta.dirname, 'app-process.ts'), options], {
      stdio: ['ignore', 'pipe', 'pipe', fd, 'ipc'],
      env: { ...inherited, NODE_NO_WARNINGS: '1', ...env },
    })
    this.exited = once(this.#child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.on('data', text => {
        this.output += text
      })
    }
    this.#child.on('message', (message: { log?: string }) => {
      if (message.log !== undefined) this.log.push(message.log)
    })
    this.#outcome = new Promise((resolve, reject) => {
      this.#child.on('message', (message: { loaded?: Loaded; failed?: Failed }) => {
        if (message.loaded ?? message.failed) resolve(message)
      })
      this.#child.once('exit', code =>
        reject(new Error(`the process left with ${code} before it told: ${this.output}`)),
      )
    })
    this.#outcome.catch(() => undefined)
  }

  async loaded(): Promise<Loaded> {
    const { loaded, failed } = await this.#outcome
    if (loaded === undefined) throw new Error(`the app did not load: ${failed?.stack}`)
    return loaded
  }

  async failed(): Promise<Failed> {
    const { loaded, failed } = await this.#outcome
    if (failed === undefined) throw new Error(`the app loaded: ${loaded?.shape}`)
    return failed
  }

  async get(path = '/'): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.port}${path}`)
    return response.text()
  }

  /** Has the app closed, and waits until the process has left. */
  async closeApp(): Promise<string> {
    this.#child.send('close')
    await once(this.#child, 'close')
    return this.output
  }

  async stop(): Promise<void> {
    this.#close()
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGKILL')
    await this.exited
  }
}

interface Bound {
  /** What `listen` takes. */
  readonly handle: object
  readonly fd: number
  readonly port: number
  readonly close: () => void
}

interface Handle {
  readonly fd: number
  close(): void
  getsockname(out: { port?: number }): void
}

type CreateHandle = (address: string, port: number, type: 4 | -1) => Handle

/** Node 22 has no `net.BoundSocket` yet. */
const { BoundSocket, _createServerHandle: createHandle } = net as unknown as {
  readonly BoundSocket?: new (options: object) => { fd(): number; address(): AddressInfo; close(): void }
  readonly _createServerHandle: CreateHandle
}

function bindPort(wanted = 0): Bound {
  if (BoundSocket !== undefined) {
    const socket = new BoundSocket({ host: '127.0.0.1', port: wanted })
    return { handle: socket, fd: socket.fd(), port: socket.address().port, close: () => socket.close() }
  }
  const handle = createHandle('127.0.0.1', wanted, 4)
  const address: { port?: number } = {}
  handle.getsockname(address)
  return { handle, fd: handle.fd, port: address.port!, close: () => handle.close() }
}

function bindPath(path: string): Bound {
  if (BoundSocket !== undefined) {
    const socket = new BoundSocket({ path })
    return { handle: socket, fd: socket.fd(), port: 0, close: () => socket.close() }
  }
  const handle = createHandle(path, -1, -1)
  return { handle, fd: handle.fd, port: 0, close: () => handle.close() }
}
