/** One HTTP/1.1 connection with pipelining: the client sends requests without waiting for earlier answers. */
import net from 'node:net'
import tls from 'node:tls'
import { monotonicNow } from '../../../worker/protocol/scoreboard.ts'
import type { Answer, Question, Result, Target } from './connection.ts'
import { Patience, silence } from './patience.ts'
import { ResponseReader } from './response.ts'

interface Asked {
  readonly reader: ResponseReader
  readonly before: number
  readonly idle: number
  readonly answered: (answer: Answer) => void
}

export class Pipeline {
  /** It takes new requests. */
  isOpen = true
  readonly #socket: net.Socket
  readonly #asked: Asked[] = []
  #answers = 0
  #sent = monotonicNow()
  #worker: number | undefined
  #hasConnected = false
  #patience: Patience | undefined
  /** How long it took until the client knew that it was connected, in milliseconds. */
  #delay = 0

  constructor(target: Target, ca?: string) {
    const options = { ...target, noDelay: true }
    this.#socket =
      ca === undefined ? net.connect(options) : tls.connect({ ...options, ca, servername: 'localhost' })
    for (const event of ['connect', 'secureConnect'] as const) {
      this.#socket.once(event, () => {
        this.#hasConnected = true
        this.#delay = monotonicNow() - this.#sent
      })
    }
    this.#socket.on('data', (bytes: Buffer) => this.#read(bytes))
    this.#socket.once('error', ({ code, message }: NodeJS.ErrnoException) => this.#closed(code ?? message))
    this.#socket.once('close', () => this.#closed('closed'))
  }

  /** Sends a request and calls `answered` exactly once. */
  ask({ bytes, expected }: Question, answered: (answer: Answer) => void): void {
    const reader = new ResponseReader(expected)
    // A request behind another one shares its fate.
    const idle = this.#asked[0]?.idle ?? monotonicNow() - this.#sent
    this.#patience ??= new Patience(() => this.#leave('timeout', silence))
    this.#asked.push({ reader, before: this.#answers, idle, answered })
    this.#socket.write(bytes)
  }

  /** Other requests may still wait for an answer. */
  close(): void {
    this.isOpen = false
    if (this.#asked.length === 0) this.#socket.destroy()
  }

  #read(bytes: Buffer): void {
    this.#patience?.renew()
    let rest = bytes
    while (rest.length > 0) {
      const reader = this.#asked[0]?.reader
      if (reader === undefined) return this.close()
      rest = reader.push(rest)
      this.#worker = reader.worker ?? this.#worker
      if (reader.wrong !== undefined) return this.#leave('wrong body', reader.wrong)
      if (!reader.isWhole) return
      this.#sent = reader.sent ?? this.#sent
      this.#finish('ok', '')
      if (!this.isOpen && this.#asked.length === 0) return this.close()
      // RFC 9112, section 9.6: the server has not begun with the requests behind this one.
      if (!reader.keepAlive) return this.#leave('not begun', 'asked after the last answer')
    }
  }

  #closed(how: string): void {
    this.#leave(this.#hasConnected ? 'reset' : 'refused', how)
  }

  /** Ends the connection: no more answers come. */
  #leave(result: Result, detail: string): void {
    this.isOpen = false
    this.#socket.destroy()
    while (this.#asked.length > 0) {
      const isCut = (this.#asked[0]?.reader.received ?? 0) > 0
      this.#finish(isCut && result === 'reset' ? 'short body' : result, detail)
    }
  }

  #finish(result: Result, detail: string): void {
    const { reader, before, idle, answered } = this.#asked.shift() as Asked
    if (this.#asked.length === 0) {
      this.#patience?.end()
      this.#patience = undefined
    }
    this.#answers += 1
    answered({
      result,
      detail,
      received: reader.received,
      before,
      idle: before === 0 ? this.#delay : idle,
      worker: this.#worker,
    })
  }
}
