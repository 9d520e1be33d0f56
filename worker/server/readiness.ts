/** `ready_path`: tells load balancers whether the server is ready. */
import type { ServerResponse } from 'node:http'
import type { RequestStep } from '../http/types.ts'
import { fieldIndex } from '../protocol/scoreboard.ts'

const checks = fieldIndex('ready_checks')

/** Responds to requests for `path`, with or without a query; `record` counts them. */
export function createReadiness(path: string, isReady: () => boolean, record: Float64Array): RequestStep {
  return next => (req, res) => {
    const { url = '' } = req
    if (url !== path && !url.startsWith(`${path}?`)) return next(req, res)
    record[checks]! += 1
    respond(res, isReady())
  }
}

function respond(res: ServerResponse, ready: boolean): void {
  res.writeHead(ready ? 200 : 503, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Cache-Control': 'no-store',
  })
  res.end(ready ? 'ready\n' : 'stopping\n')
}
