/** The client's end of a control socket. */
import net from 'node:net'
import { encodeFrame, FrameReader, longestAnswer } from '../protocol/frame.ts'
import { type Answer, protocolVersion, type Request } from '../protocol/messages.ts'
import { Failure } from './exit-codes.ts'

/** How an unreachable server is reported; the path precedes it. */
const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such socket',
  ECONNREFUSED: 'no server listens there any more: its process has ended',
  EACCES: 'permission denied: run it as the user of the server, or as root',
  ENOTSOCK: 'that is no socket',
}

/** How long the path of a unix socket may be, in bytes. */
const longestPath = 107

interface Pending {
  readonly progress: (data: unknown) => void
  readonly resolve: (data: unknown) => void
  readonly reject: (error: Error) => void
}

export class Client {
  readonly path: string
  readonly #socket: net.Socket
  readonly #reader = new FrameReader(longestAnswer)
  readonly #pending = new Map<Request['id'], Pending>()
  /** Resolves when the server has closed the connection. */
  readonly closed: Promise<void>
  #count = 0

  private constructor(path: string, socket: net.Socket) {
    this.path = path
    this.#socket = socket
    socket.on('data', (bytes: Buffer) => this.#read(bytes))
    socket.on('error', () => undefined)
    this.closed = new Promise(resolve => {
      socket.once('close', () => {
        this.#fail(new Failure('lost', `The server at ${path} ended the connection before its answer`))
        resolve()
      })
    })
  }

  /** Connects; rejects with a `Failure`. */
  static async connect(path: string): Promise<Client> {
    if (Buffer.byteLength(path) > longestPath)
      throw new Failure(
        'unreachable',
        `Cannot connect to ${path}: a path may have ${longestPath} bytes at most`,
      )
    // A path even if it is a number.
    const socket = net.connect({ path })
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', ({ code = '', message }: NodeJS.ErrnoException) => {
        const exit = code === 'ENOENT' || code === 'ECONNREFUSED' ? 'unknown' : 'unreachable'
        reject(new Failure(exit, `Cannot connect to ${path}: ${reasons[code] ?? message}`))
      })
    })
    return new Client(path, socket)
  }

  /** Resolves with the data of the last answer; rejects with a `Failure`. */
  async ask(
    command: string,
    args: readonly string[] = [],
    progress: (data: unknown) => void = () => undefined,
  ): Promise<unknown> {
    this.#count += 1
    const id = this.#count
    const request: Request = { id, protocol: protocolVersion, command, args }
    return await new Promise((resolve, reject) => {
      this.#pending.set(id, { progress, resolve, reject })
      if (this.#socket.destroyed)
        this.#fail(new Failure('lost', `The server at ${this.path} has ended the connection`))
      else this.#socket.write(encodeFrame(request))
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #read(bytes: Buffer): void {
    try {
      for (const answer of this.#reader.push(bytes)) this.#take(answer as Answer)
    } catch (error) {
      this.#fail(
        new Failure('unreachable', `No tsicorn answers at ${this.path}: ${(error as Error).message}`),
      )
      this.close()
    }
  }

  /** Throws if that is no answer. */
  #take(answer: Answer): void {
    if (typeof answer !== 'object' || answer === null) throw new Error('what it sends is no answer')
    if (answer.status === 'error') {
      const failure = new Failure('failed', String(answer.error))
      if (answer.id === null) return this.#fail(failure)
      this.#end(answer.id)?.reject(failure)
    } else if (answer.status === 'progress') this.#pending.get(answer.id)?.progress(answer.data)
    else this.#end(answer.id)?.resolve(answer.data)
  }

  #end(id: Request['id']): Pending | undefined {
    const pending = this.#pending.get(id)
    this.#pending.delete(id)
    return pending
  }

  #fail(failure: Failure): void {
    for (const id of this.#pending.keys()) this.#end(id)?.reject(failure)
  }
}
