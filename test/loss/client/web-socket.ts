/** One WebSocket of a client, which sends many messages on it and leaves before it is told to. */
import { WebSocket } from 'ws'
import { monotonicNow } from '../../../worker/protocol/scoreboard.ts'
import type { Answer, Question, Result, Target } from './connection.ts'
import { Patience, silence } from './patience.ts'

/** After this many messages, or this many milliseconds, the client leaves: a drain does not wait for ever. */
const mostQuestions = 20
const longestMs = 2_000

export class WebSocketConnection {
  /** It takes new messages. */
  isOpen = true
  readonly #socket: WebSocket
  #answers = 0
  #answered = monotonicNow()
  readonly #opened = this.#answered
  #hear: ((result: Result, detail: string, received: number) => void) | undefined

  constructor(target: Extract<Target, { host: string }>, ca?: string) {
    const address = `${target.host}:${target.port}`
    const secure = { ca, servername: 'localhost' }
    this.#socket =
      ca === undefined ? new WebSocket(`ws://${address}`) : new WebSocket(`wss://${address}`, secure)
    this.#socket.on('open', () => {
      this.#answered = monotonicNow()
    })
    this.#socket.on('error', ({ code = '', message }: NodeJS.ErrnoException) => {
      this.#leave(code === 'ECONNREFUSED' ? 'refused' : 'reset', `${code} ${message}`)
    })
    this.#socket.on('close', code => this.#leave('reset', `closed with ${code}`))
  }

  /** Sends a message and calls `answered` exactly once. */
  ask({ path, expected }: Question, answered: (answer: Answer) => void): void {
    const before = this.#answers
    const idle = monotonicNow() - this.#answered
    const patience = new Patience(() => this.#leave('timeout', silence))
    this.#hear = (result, detail, received) => {
      this.#hear = undefined
      patience.end()
      this.#answers += 1
      this.#answered = monotonicNow()
      if (this.#answers === mostQuestions || this.#answered > this.#opened + longestMs) this.close()
      answered({ result, detail, received, before, idle, worker: undefined })
    }
    this.#socket.once('message', (data: Buffer) => {
      this.#hear?.(data.equals(expected) ? 'ok' : 'wrong body', `${data.length} bytes`, data.length)
    })
    if (this.#socket.readyState === WebSocket.CONNECTING)
      this.#socket.once('open', () => this.#socket.send(path))
    else this.#socket.send(path)
  }

  #leave(result: Result, detail: string): void {
    this.isOpen = false
    this.#hear?.(result, detail, 0)
  }

  close(): void {
    this.isOpen = false
    this.#socket.close(1000)
  }
}
