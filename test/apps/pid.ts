/** Says which worker answered; a test tells generations apart by the variable GENERATION. */
import type { IncomingMessage, ServerResponse } from 'node:http'

export default function pid(_req: IncomingMessage, res: ServerResponse) {
  res.setHeader('Content-Type', 'application/json')
  res.end(JSON.stringify({ pid: process.pid, generation: process.env.GENERATION }))
}
