/** The app of all servers in the benchmark. */
import type { IncomingMessage, ServerResponse } from 'node:http'

/** As small as possible: the benchmark measures the server around it. `/pid` tells which process answers. */
export default function app(req: IncomingMessage, res: ServerResponse): void {
  res.end(req.url === '/' ? 'hello' : String(process.pid))
}
