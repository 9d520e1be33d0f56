/** A server with a status page, and requests to it. */
import http from 'node:http'
import type { FeedMessage } from '../../../control/protocol/messages.ts'
import { freePort, launchText, type Tsicorn } from '../tsicorn.ts'

export const token = 'a-token-that-nobody-guesses'

export interface Watched {
  readonly server: Tsicorn
  readonly port: number
  readonly address: string
}

export const hello = `export default (req, res) => res.end('hello')`

/** Starts a server that has a token, unless it is not to have one. */
export async function launchWatched(
  args: readonly string[] = [],
  { app = hello, hasToken = true, errors = false } = {},
): Promise<Watched> {
  const port = await freePort()
  const withToken = hasToken ? ['--status-token-file', 'token'] : []
  const server = launchText(app, ['--metrics-bind', `127.0.0.1:${port}`, ...withToken, ...args], {
    files: { token: `${token}\n` },
    errors,
  })
  await server.running()
  return { server, port, address: `http://127.0.0.1:${port}` }
}

export interface Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly text: string
}

export async function ask(
  port: number,
  path: string,
  options: { method?: string; headers?: http.OutgoingHttpHeaders; body?: string } = {},
): Promise<Answer> {
  const { method = 'GET', headers = {}, body } = options
  return await new Promise((resolve, reject) => {
    http
      .request({ host: '127.0.0.1', port, path, method, headers, agent: false }, res => {
        let text = ''
        res.setEncoding('utf8').on('data', (piece: string) => {
          text += piece
        })
        res.once('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, text }))
        res.once('error', reject)
      })
      .once('error', reject)
      .end(body)
  })
}

/** Does what the page does when a button is pressed. */
export async function press(
  port: number,
  action: 'reload' | 'scale',
  body: object = {},
  headers: http.OutgoingHttpHeaders = {},
): Promise<Answer> {
  return await ask(port, `/-/${action}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
}

/** One that watches. */
export class Watcher {
  readonly status: Promise<number>
  readonly ended: Promise<void>
  readonly messages: FeedMessage[] = []
  lastId: string | undefined
  readonly #request: http.ClientRequest
  #heard: () => void = () => undefined

  constructor(port: number, headers: http.OutgoingHttpHeaders = {}) {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const { promise: ended, resolve: end } = Promise.withResolvers<void>()
    this.status = promise
    this.ended = ended
    this.#request = http.get({ host: '127.0.0.1', port, path: '/-/feed', headers, agent: false }, res => {
      resolve(res.statusCode ?? 0)
      let rest = ''
      res.setEncoding('utf8').on('data', (piece: string) => {
        const blocks = (rest + piece).split('\n\n')
        rest = blocks.pop() ?? ''
        for (const block of blocks) this.#read(block)
      })
      // It may be cut, too.
      res.once('error', () => undefined)
      res.once('close', end)
    })
    this.#request.once('error', error => {
      reject(error)
      end()
    })
    promise.catch(() => undefined)
  }

  #read(block: string): void {
    const [, id] = /^id: (.*)$/m.exec(block) ?? []
    const [, data] = /^data: (.*)$/m.exec(block) ?? []
    this.lastId = id ?? this.lastId
    if (data !== undefined) this.messages.push(JSON.parse(data) as FeedMessage)
    this.#heard()
  }

  /** Waits for the first message that this is true of. */
  async hears(isIt: (message: FeedMessage) => boolean): Promise<FeedMessage> {
    for (;;) {
      const found = this.messages.find(isIt)
      if (found !== undefined) return found
      await new Promise<void>(resolve => {
        this.#heard = resolve
      })
    }
  }

  /** The types of all events so far. */
  get events(): readonly string[] {
    return this.messages.flatMap(({ events }) => events.map(({ type }) => type))
  }

  close(): void {
    this.#request.destroy()
  }
}
