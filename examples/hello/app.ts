/** A greeting that names the worker it comes from, by its process id. */
import type { IncomingMessage, ServerResponse } from 'node:http'

/** The smallest app: a request listener. */
export default function app(_req: IncomingMessage, res: ServerResponse) {
  res.setHeader('Content-Type', 'text/plain; charset=utf-8')
  res.end(`Hello from worker ${process.pid}\n`)
}
