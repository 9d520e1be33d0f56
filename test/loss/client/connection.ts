/** One client connection on a raw socket: it sees what a library would hide. */
import net from 'node:net'
import tls from 'node:tls'
import { monotonicNow } from '../../../worker/protocol/scoreboard.ts'
import { describeFarEnd, describeNearEnd } from '../../support/http/connection-ends.ts'
import { Patience, silence } from './patience.ts'
import { ResponseReader } from './response.ts'

export type Target = { readonly host: string; readonly port: number } | { readonly path: string }

export interface Question {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body: Buffer | undefined
  /** The whole request in HTTP/1 syntax. */
  readonly bytes: string | Buffer
  /** The body of the expected answer. */
  readonly expected: Buffer
}

export type Result = 'ok' | 'not begun' | 'reset' | 'refused' | 'timeout' | 'short body' | 'wrong body'

export interface Answer {
  readonly result: Result
  /** What went wrong, in one phrase. */
  readonly detail: string
  /** The size of the answer, in bytes. */
  readonly received: number
  /** How many answers came on this connection before. */
  readonly before: number
  /**
   * How long before this request the server began to send its last answer, in milliseconds: the connection has not been
   * idle for longer, whenever the client read that answer. On a new connection: how long it took until the client knew
   * of it, and could send.
   */
  readonly idle: number
  readonly worker: number | undefined
}

/** How many connections a process asks the kernel about: it takes a second on a busy machine, and holds all others up. */
const mostExamined = 3
let examined = 0

/** Each read is consumed before the next one begins, on whichever connection. */
const buffer = Buffer.allocUnsafe(65_536)

export class Connection {
  /** Neither side has closed the connection. */
  isOpen = true
  worker: number | undefined
  readonly #socket: net.Socket
  readonly #target: Target
  #patience: Patience | undefined
  #answers = 0
  #sent = monotonicNow()
  #idle = 0
  #reader: ResponseReader | undefined
  #answered: ((answer: Answer) => void) | undefined
  #hasConnected = false

  /** Uses TLS if a certificate authority is given. */
  constructor(target: Target, ca?: string) {
    this.#target = target
    const options = {
      ...target,
      noDelay: true,
      onread: {
        buffer,
        callback: (length: number, bytes: Uint8Array) =>
          this.#read(Buffer.from(bytes.buffer, bytes.byteOffset, length)),
      },
    }
    const socket =
      ca === undefined ? net.connect(options) : tls.connect({ ...options, ca, servername: 'localhost' })
    this.#socket = socket
    // With TLS, the client has two turns: to begin the handshake, and to send the first request.
    for (const event of ['connect', 'secureConnect'] as const) {
      socket.once(event, () => {
        this.#hasConnected = true
        this.#idle = monotonicNow() - this.#sent
      })
    }
    socket.once('end', () => this.#closed('closed'))
    socket.once('error', (error: NodeJS.ErrnoException) => this.#closed(error.code ?? error.message))
    socket.once('close', () => this.#closed('closed'))
  }

  /** Sends a request and calls `answered` exactly once. Call it only while no answer is expected. */
  ask({ bytes, expected }: Question, answered: (answer: Answer) => void): void {
    if (this.#hasConnected) this.#idle = monotonicNow() - this.#sent
    this.#reader = new ResponseReader(expected)
    this.#answered = answered
    this.#patience = new Patience(() => this.#giveUp())
    this.#socket.write(bytes)
  }

  #giveUp(): void {
    const { port = undefined } = this.#target as { readonly port?: number }
    const ends = port === undefined ? 'over a unix socket' : this.#examine(port)
    this.#finish('timeout', `${silence} after ${this.#reader?.received} bytes; ${ends}`)
  }

  #examine(port: number): string {
    examined += 1
    if (examined > mostExamined) return 'not examined'
    return `${describeNearEnd(this.#socket, port)}; ${describeFarEnd(this.#socket.localPort, port)}`
  }

  close(): void {
    this.isOpen = false
    this.#socket.destroy()
  }

  #read(bytes: Buffer): boolean {
    const reader = this.#reader
    if (reader === undefined) {
      this.close()
      return false
    }
    this.#patience?.renew()
    const rest = reader.push(bytes)
    if (rest.length > 0) this.#finish('wrong body', `${rest.length} bytes after it`)
    else if (reader.wrong !== undefined) this.#finish('wrong body', reader.wrong)
    else if (reader.isWhole) this.#finish('ok', '')
    return this.isOpen
  }

  #closed(how: string): void {
    const reader = this.#reader
    if (reader === undefined) return this.close()
    reader.end()
    if (reader.isWhole) return this.#finish('ok', '')
    const detail = `${how} after ${reader.received} bytes`
    if (reader.received > 0) this.#finish('short body', detail)
    else this.#finish(this.#hasConnected ? 'reset' : 'refused', detail)
  }

  #finish(result: Result, detail: string): void {
    const reader = this.#reader as ResponseReader
    const answered = this.#answered as (answer: Answer) => void
    this.#reader = undefined
    this.#patience?.end()
    this.worker = reader.worker ?? this.worker
    this.#sent = reader.sent ?? this.#sent
    if (result !== 'ok' || !reader.keepAlive) this.close()
    const answer = {
      result,
      detail,
      received: reader.received,
      before: this.#answers,
      idle: this.#idle,
      worker: this.worker,
    }
    this.#answers += 1
    answered(answer)
  }
}
