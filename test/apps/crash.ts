/** `/crash?code=9` ends the worker with that code, `/crash?signal=SIGKILL` by that signal, `/crash?throw` by an exception. */
import type { IncomingMessage, ServerResponse } from 'node:http'

export default function crash(req: IncomingMessage, res: ServerResponse) {
  const { pathname, searchParams } = new URL(req.url ?? '/', 'http://localhost')
  if (pathname !== '/crash') return res.end('alive')
  const signal = searchParams.get('signal')
  if (signal !== null) return process.kill(process.pid, signal)
  if (searchParams.has('throw'))
    return process.nextTick(() => {
      throw new Error('crashed as asked')
    })
  process.exit(Number(searchParams.get('code') ?? 1))
}
