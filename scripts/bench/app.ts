import type { IncomingMessage, ServerResponse } from 'node:http'

/** The same on all sides, and as little as possible: what is measured is the server around it. `/pid` says who answers. */
export default function app(req: IncomingMessage, res: ServerResponse): void {
  res.end(req.url === '/' ? 'hello' : String(process.pid))
}
