import type { IncomingMessage, ServerResponse } from 'node:http'

export default function hello(_req: IncomingMessage, res: ServerResponse) {
  res.end('hello')
}
