/** `ready_path`: what a worker tells balancers about the server. */
import type { ServerResponse } from 'node:http'
import type { RequestListener } from '../http/types.ts'
import { fieldIndex } from '../protocol/scoreboard.ts'

const checks = fieldIndex('ready_checks')

/** The listener, with the answer to `path`, whatever its query, in front of it; `record` counts these answers. */
export function withReadiness(
  listener: RequestListener,
  path: string,
  isReady: () => boolean,
  record: Float64Array,
): RequestListener {
  return (req, res) => {
    const { url = '' } = req
    if (url !== path && !url.startsWith(`${path}?`)) return listener(req, res)
    record[checks]! += 1
    answer(res, isReady())
  }
}

function answer(res: ServerResponse, ready: boolean): void {
  res.writeHead(ready ? 200 : 503, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Cache-Control': 'no-store',
  })
  res.end(ready ? 'ready\n' : 'stopping\n')
}
