/** A client of HTTP/2 that keeps a server busy: many requests at a time, a new session when the old one is told to end. */
import {
  type ClientHttp2Session,
  connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2'

export interface Http2Answer {
  readonly headers: IncomingHttpHeaders & { readonly ':status'?: number | undefined }
  readonly body: string
}

/** Rejects when the stream is reset or the session ends before the answer is whole. */
export async function ask(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders = {},
  body?: string,
): Promise<Http2Answer> {
  return await new Promise((resolve, reject) => {
    const stream = session.request({ ':path': '/', ...headers }, { endStream: body === undefined })
    let answer: Http2Answer['headers'] | undefined
    const parts: Buffer[] = []
    let hasEnded = false
    stream.on('response', headers => {
      answer = headers
    })
    stream.on('data', part => parts.push(part))
    stream.on('end', () => {
      hasEnded = true
    })
    stream.on('error', reject)
    stream.on('close', () => {
      if (answer !== undefined && hasEnded && stream.rstCode === 0)
        resolve({ headers: answer, body: Buffer.concat(parts).toString() })
      else reject(new Error(`The stream was closed with code ${stream.rstCode}`))
    })
    if (body !== undefined) stream.end(body)
  })
}

export class Http2Load {
  readonly failures: string[] = []
  /** Requests that the server said it had not begun: they were sent again. */
  repeated = 0
  ok = 0
  sessions = 0
  readonly #url: string
  readonly #options: { readonly ca?: string }
  readonly #clients: Promise<void>[]
  #session: ClientHttp2Session | undefined
  #on = true
  #counted: () => void = () => undefined

  constructor(url: string, clients: number, options: { readonly ca?: string } = {}) {
    this.#url = url
    this.#options = options
    this.#clients = Array.from({ length: clients }, () => this.#keepAsking())
  }

  async #keepAsking(): Promise<void> {
    while (this.#on) {
      try {
        const { body } = await ask(this.#current(), { ':path': '/load' })
        if (body === '') throw new Error('an empty answer')
        this.ok += 1
      } catch (error) {
        if (isUnbegun(error as NodeJS.ErrnoException)) this.repeated += 1
        else this.failures.push(String(error))
      }
      this.#counted()
    }
  }

  #current(): ClientHttp2Session {
    if (this.#session !== undefined) return this.#session
    const session = connect(this.#url, this.#options)
    this.sessions += 1
    this.#session = session
    const leave = () => {
      if (this.#session === session) this.#session = undefined
    }
    session.on('goaway', leave).on('close', leave)
    session.on('error', error => this.failures.push(`session: ${error.message}`))
    return session
  }

  /** Waits until so many more requests are answered. */
  async answered(number: number): Promise<void> {
    const goal = this.ok + number
    while (this.ok < goal && this.failures.length === 0) {
      await new Promise<void>(resolve => {
        this.#counted = resolve
      })
    }
  }

  async stop(): Promise<this> {
    this.#on = false
    await Promise.all(this.#clients)
    this.#session?.close()
    return this
  }
}

/** RFC 9113 section 8.7: by the code of the stream, or by the last stream that GOAWAY names. */
function isUnbegun({ code, message }: NodeJS.ErrnoException): boolean {
  return /NGHTTP2_REFUSED_STREAM/.test(message) || code === 'ERR_HTTP2_GOAWAY_SESSION'
}
