/** A whole answer of the administrative listener. */
import type { ServerResponse } from 'node:http'

export interface Answer {
  readonly status: number
  readonly body: string | Buffer
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
}

export function respond(
  res: ServerResponse,
  { status, body, type = 'text/plain; charset=utf-8', headers = {} }: Answer,
): void {
  if (res.destroyed || res.headersSent) return
  res.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  })
  res.end(res.req.method === 'HEAD' ? undefined : body)
}
