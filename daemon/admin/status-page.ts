/** The status page on the administrative listener: its file, its feed, its actions. Loaded when it is first asked for. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Address } from '../../config/kinds/bind-address.ts'
import type { Command } from '../control/controlled.ts'
import type { AdministeredServer } from '../metrics/counters.ts'
import { act, actionPaths } from './actions.ts'
import { Feed, mostWatchers } from './feed.ts'
import { type PageFile, readPage } from './page-file.ts'
import { respond } from './respond.ts'
import { isOwnHost } from './same-origin.ts'

export interface StatusPageOptions {
  readonly server: AdministeredServer
  readonly version: string
  readonly address: Exclude<Address, { kind: 'fd' }>
  readonly tokenFile: string | null
  readonly hear: (command: Command) => void
}

export class StatusPage {
  readonly #options: StatusPageOptions
  readonly #feed: Feed
  #file: Promise<PageFile> | undefined

  constructor(options: StatusPageOptions) {
    this.#options = options
    this.#feed = new Feed(options.server, options.version, options.tokenFile !== null)
  }

  async answer(req: IncomingMessage, res: ServerResponse, path: string): Promise<void> {
    if (!isOwnHost(req.headers.host, this.#options.address))
      return respond(res, {
        status: 421,
        body: 'The status page is not served under this name: use an IP address, or the name in metrics_bind\n',
        headers: { Connection: 'close' },
      })
    if (actionPaths.includes(path)) return await act(req, res, path, this.#options)
    if (req.method !== 'GET' && req.method !== 'HEAD')
      return respond(res, { status: 405, body: 'Only GET and HEAD\n', headers: { Allow: 'GET, HEAD' } })
    if (path === '/-/feed') return this.#answerFeed(req, res)
    await this.#answerPage(req, res)
  }

  #answerFeed(req: IncomingMessage, res: ServerResponse): void {
    const body = `${mostWatchers} pages watch this server, which is the most: close one of them\n`
    if (this.#feed.isFull) return respond(res, { status: 503, body, headers: { 'Retry-After': '5' } })
    if (req.method === 'HEAD') return respond(res, { status: 200, body: '', type: 'text/event-stream' })
    // The answer to a request before it on the connection has not ended.
    if (res.socket === null) return respond(res, { status: 409, body: 'Ask for it on its own connection\n' })
    const { 'last-event-id': lastId } = req.headers
    this.#feed.add(res, typeof lastId === 'string' ? lastId : undefined)
  }

  async #answerPage(req: IncomingMessage, res: ServerResponse): Promise<void> {
    this.#file ??= readPage()
    try {
      const { body, etag, policy } = await this.#file
      const headers = {
        ETag: etag,
        'Cache-Control': 'no-cache',
        'Content-Security-Policy': policy,
        'Referrer-Policy': 'no-referrer',
        'Cross-Origin-Resource-Policy': 'same-origin',
      }
      if (req.headers['if-none-match'] === etag) res.writeHead(304, headers).end()
      else respond(res, { status: 200, body, type: 'text/html; charset=utf-8', headers })
    } catch (error) {
      this.#file = undefined
      respond(res, { status: 503, body: `${(error as Error).message}\n` })
    }
  }
}
