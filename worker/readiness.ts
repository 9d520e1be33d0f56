/** `ready_path`: what a worker tells balancers about the server. */
import type { ServerResponse } from 'node:http'
import type { RequestListener } from './adapters/adapter.ts'

/** The listener, with the answer to `path`, whatever its query, in front of it. */
export function withReadiness(
  listener: RequestListener,
  path: string,
  isReady: () => boolean,
): RequestListener {
  return (req, res) => {
    const { url = '' } = req
    if (url === path || url.startsWith(`${path}?`)) answer(res, isReady())
    else listener(req, res)
  }
}

function answer(res: ServerResponse, ready: boolean): void {
  res.writeHead(ready ? 200 : 503, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Cache-Control': 'no-store',
  })
  res.end(ready ? 'ready\n' : 'stopping\n')
}
