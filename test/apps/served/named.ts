import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'

export async function api(req: IncomingMessage, res: ServerResponse) {
  res.end(`named ${process.pid} ${await text(req)}`)
}

export const version = 1
