/** One HTTP/2 session of a client, shared by many requests. */
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:tls'
import { monotonicNow } from '../../../worker/protocol/scoreboard.ts'
import type { Answer, Question, Result, Target } from './connection.ts'
import { Patience, silence } from './patience.ts'

export class Session {
  /** It takes new requests. */
  isOpen = true
  readonly #session: ClientHttp2Session
  #answers = 0
  #sent = monotonicNow()
  #hasConnected = false

  constructor(target: Target, ca: string) {
    const socket = connect({ ...target, ca, servername: 'localhost', ALPNProtocols: ['h2'] })
    const session = connectHttp2('https://localhost', { createConnection: () => socket })
    const leave = () => {
      this.isOpen = false
    }
    session.once('connect', () => {
      this.#hasConnected = true
    })
    session.on('goaway', leave).on('close', leave).on('error', leave)
    this.#session = session
  }

  /** Sends a request and calls `answered` exactly once. */
  ask({ method, path, body, expected }: Question, answered: (answer: Answer) => void): void {
    const { isOpen } = this
    const before = this.#answers
    const idle = monotonicNow() - this.#sent
    let worker: number | undefined
    let status: number | undefined
    const parts: Buffer[] = []
    let received = 0
    const finish = (result: Result, detail: string) => {
      this.#answers += 1
      answered({ result, detail, received, before, idle, worker })
    }
    if (!isOpen || this.#session.closed || this.#session.destroyed) {
      this.isOpen = false
      return finish(this.#hasConnected ? 'not begun' : 'refused', 'the session is closed')
    }
    const stream = this.#session.request(
      { ':method': method, ':path': path },
      { endStream: body === undefined },
    )
    let failure: NodeJS.ErrnoException | undefined
    const patience = new Patience(() => {
      failure = new Error('silent')
      // What waits in vain on a session is followed by nothing on it.
      this.isOpen = false
      stream.destroy(failure)
    })
    stream.on('response', headers => {
      patience.renew()
      status = headers[':status']
      worker = Number(headers['x-worker']) || undefined
      this.#sent = Number(headers['x-sent']) || this.#sent
    })
    stream.on('data', (part: Buffer) => {
      patience.renew()
      received += part.length
      parts.push(part)
    })
    stream.on('error', (error: NodeJS.ErrnoException) => {
      failure ??= error
    })
    stream.on('close', () => {
      patience.end()
      const [result, detail] = this.#judge(stream, failure, status, Buffer.concat(parts), expected)
      finish(result, detail)
    })
    if (body !== undefined) stream.end(body)
  }

  #judge(
    stream: ClientHttp2Stream,
    failure: NodeJS.ErrnoException | undefined,
    status: number | undefined,
    body: Buffer,
    expected: Buffer,
  ): readonly [Result, string] {
    const detail = `${failure?.code ?? ''} ${failure?.message ?? ''} (stream ${stream.id}, code ${stream.rstCode})`
    if (status === 200 && body.equals(expected)) return ['ok', '']
    if (failure?.message === 'silent') return ['timeout', silence]
    // RFC 9113, section 8.7: the server has not begun with the request, and it may be sent again.
    if (/REFUSED_STREAM|GOAWAY/.test(detail)) return ['not begun', detail]
    if (status !== undefined && status !== 200) return ['wrong body', `status ${status}`]
    if (status !== undefined) return [body.length < expected.length ? 'short body' : 'wrong body', detail]
    return [this.#hasConnected ? 'reset' : 'refused', detail]
  }

  close(): void {
    this.isOpen = false
    this.#session.close()
  }
}
