/** With `reload`, what a worker serves instead of an app that does not load: the error, until a change loads. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RequestListener } from '../http/types.ts'
import type { ErrorPage } from '../protocol/messages.ts'
import { acceptsHtml } from './accept.ts'
import { contentSecurityPolicy, htmlOf } from './html.ts'
import { makeReport } from './report.ts'
import { leaving, pageHeader, streamPath } from './script.ts'
import { textOf } from './text.ts'

export interface PageApp {
  readonly shape: string
  readonly listener: RequestListener
  /** Call when the worker accepts no more connections: it lets the tabs go, which ask who serves now. */
  readonly onDrain: () => void
}

/** How often a stream shows a proxy that it lives, in milliseconds. */
const pingMs = 15_000

/** `app` is the name of the app, and `cwd` the folder that it is in. */
export async function pageApp(page: ErrorPage, app: string, cwd: string): Promise<PageApp> {
  const id = randomUUID()
  const report = await makeReport(page, app, cwd)
  const [html, text] = [Buffer.from(htmlOf(report, id)), Buffer.from(textOf(report))]
  const streams = new Set<ServerResponse>()
  let isDraining = false
  const follow = (res: ServerResponse) => {
    res.writeHead(200, { 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' })
    if (res.req.method === 'HEAD') return void res.end()
    res.write(`data: ${id}\n\n`)
    if (isDraining) return void res.end()
    streams.add(res)
    res.once('close', () => streams.delete(res))
  }
  setInterval(() => streams.forEach(stream => void stream.write(':\n\n')), pingMs).unref()
  return {
    shape: 'error page',
    listener(req, res) {
      for (const [name, value] of Object.entries(headers)) res.setHeader(name, value)
      res.setHeader(pageHeader, isDraining ? leaving : id)
      if (isRead(req) && req.headers[pageHeader.toLowerCase()] !== undefined) return res.writeHead(204).end()
      if (isRead(req) && isStream(req)) return follow(res)
      const isHtml = isRead(req) && acceptsHtml(req.headers.accept)
      if (isHtml) res.setHeader('Content-Security-Policy', contentSecurityPolicy)
      const body = isHtml ? html : text
      res.writeHead(503, {
        'Content-Type': `text/${isHtml ? 'html' : 'plain'}; charset=utf-8`,
        'Content-Length': body.length,
      })
      return res.end(body)
    },
    onDrain() {
      isDraining = true
      for (const stream of streams) stream.end()
    },
  }
}

const headers = {
  'Cache-Control': 'no-store',
  Vary: 'Accept',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
}

function isRead({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD'
}

function isStream({ url, headers: { accept } }: IncomingMessage): boolean {
  return url === streamPath && accept?.includes('text/event-stream') === true
}
