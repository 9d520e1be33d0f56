/** Answers of the administrative listener. */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'

export interface Answer {
  readonly status: number
  readonly body: string | Buffer
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
}

export function respond(res: ServerResponse, { status, body, type, headers = {} }: Answer): void {
  if (res.destroyed || res.headersSent) return
  res.writeHead(status, {
    ...headersOf(type),
    'Content-Length': Buffer.byteLength(body),
    ...headers,
  })
  res.end(res.req.method === 'HEAD' ? undefined : body)
}

/** Sends a long answer as fast as the client reads it; resolves when it is sent, or the client is gone. */
export async function respondInPieces(
  res: ServerResponse,
  { status, body, type }: Pick<Answer, 'status' | 'type'> & { readonly body: readonly Buffer[] },
): Promise<void> {
  if (res.destroyed || res.headersSent) return
  const length = body.reduce((sum, piece) => sum + piece.length, 0)
  res.writeHead(status, { ...headersOf(type), 'Content-Length': length })
  const closed = new AbortController()
  res.once('close', () => closed.abort())
  for (const piece of res.req.method === 'HEAD' ? [] : body) {
    if (closed.signal.aborted) return
    if (!res.write(piece)) await once(res, 'drain', closed).catch(() => undefined)
  }
  res.end()
}

function headersOf(type = 'text/plain; charset=utf-8') {
  return { 'Content-Type': type, 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' }
}
