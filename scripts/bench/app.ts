import type { IncomingMessage, ServerResponse } from 'node:http'

/** The same on all sides, and as little as possible: what is measured is the server around it. */
export default function app(_req: IncomingMessage, res: ServerResponse): void {
  res.end('hello')
}
