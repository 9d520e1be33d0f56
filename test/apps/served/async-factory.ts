import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { setImmediate } from 'node:timers/promises'

export default async function start() {
  await setImmediate()
  return async (req: IncomingMessage, res: ServerResponse) => {
    res.end(`async-factory ${process.pid} ${await text(req)}`)
  }
}
