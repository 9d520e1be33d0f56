/** Answers after as many milliseconds as the query says: `/?ms=200`. */
import type { IncomingMessage, ServerResponse } from 'node:http'

export default function slow(req: IncomingMessage, res: ServerResponse) {
  const { searchParams } = new URL(req.url ?? '/', 'http://localhost')
  setTimeout(() => res.end('slow'), Number(searchParams.get('ms') ?? 1000))
}
