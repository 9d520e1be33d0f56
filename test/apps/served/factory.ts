import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'

interface Options {
  readonly times?: number
}

export function create(word: string, { times = 1 }: Options = {}) {
  return async (req: IncomingMessage, res: ServerResponse) => {
    res.end(`${word.repeat(times)} ${process.pid} ${await text(req)}`)
  }
}
