/** Sends `?chunks=5` lines, `?ms=20` milliseconds apart. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout } from 'node:timers/promises'

export default async function stream(req: IncomingMessage, res: ServerResponse) {
  const { searchParams } = new URL(req.url ?? '/', 'http://localhost')
  for (let i = 1; i <= Number(searchParams.get('chunks') ?? 5); i++) {
    res.write(`chunk ${i}\n`)
    await setTimeout(Number(searchParams.get('ms') ?? 20))
  }
  res.end()
}
