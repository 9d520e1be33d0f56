/** Answers what it was asked, as JSON. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'

export default async function echo(req: IncomingMessage, res: ServerResponse) {
  const { method, url, headers } = req
  res.setHeader('Content-Type', 'application/json')
  res.end(JSON.stringify({ method, url, headers, body: await text(req) }))
}
