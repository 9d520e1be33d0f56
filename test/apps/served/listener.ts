import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'

export default async function listener(req: IncomingMessage, res: ServerResponse) {
  res.end(`listener ${process.pid} ${await text(req)}`)
}
