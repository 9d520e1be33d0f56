/** Findings 11 and 12: the ends of arbiters. */
import { freePort } from '../../support/tsicorn.ts'
import { becomes } from '../server/patience.ts'
import { signal } from '../server/session.ts'
import type { Adversary } from '../turn.ts'

const waiting = 20

export const generations: readonly Adversary[] = [
  {
    group: 'corpus',
    name: 'finding 11: a stuck worker outlives its arbiter',
    async run(turn) {
      const port = await freePort()
      const options = {
        args: [`-b127.0.0.1:${port}`, '--pid=app.pid', './app.mjs'],
        files: {
          'app.mjs': `export default (req, res) => { if (req.url === '/block') for (;;); else res.end('ok') }`,
        },
      }
      const first = await turn.start(options)
      if (first === undefined) return
      const [worker] = first.workers as [number]
      void first.ask('/block', 2)
      // Until the worker has taken it.
      await first.ask('/', 1)
      turn.did('A worker stands still, and kill -9 of its arbiter')
      signal(first.arbiter, 'SIGKILL')
      const second = await turn.start({ ...options, folder: first.folder })
      if (second === undefined) return
      await turn.serves(second)
      if (!(await becomes(() => !first.processes.some(({ pid }) => pid === worker), 45))) {
        turn.violated(`Worker ${worker} of the first arbiter lives on`)
      }
      await turn.examine(second, undefined, /./)
    },
  },
  {
    group: 'corpus',
    name: 'finding 12: TERM before the new arbiter is ready, which then fails',
    async run(turn) {
      const app = `export default (_req, res) => res.end('ok')`
      const server = await turn.start({ args: ['-b127.0.0.1:0', './app.mjs'], files: { 'app.mjs': app } })
      if (server === undefined) return
      server.tsicorn.write(
        'app.mjs',
        `await new Promise(resolve => setTimeout(resolve, 1500))\nthrow new Error('no')`,
      )
      server.signal('SIGUSR2')
      await server.says(/Upgrading: .*\(pid \d+\)/)
      turn.did('USR2, and TERM at once')
      server.signal('SIGTERM')
      const asked: Promise<unknown>[] = []
      const errors = new Map<string, number>()
      for (let count = 0; count < waiting; count += 1) {
        asked.push(
          server.ask('/').then(({ error }) => {
            if (error !== undefined) errors.set(error, (errors.get(error) ?? 0) + 1)
          }),
        )
        await new Promise(resolve => setTimeout(resolve, 100))
      }
      await Promise.all(asked)
      // Once nobody serves any more, clients are refused.
      errors.delete('ECONNREFUSED')
      for (const [error, count] of errors) {
        turn.violated(`${count} of ${waiting} connections that waited ended with ${error}`)
      }
      if (!(await becomes(() => server.left.length === 0, 40))) {
        server.signal('SIGTERM')
        if (!(await becomes(() => server.left.length === 0, 20))) turn.violated('The server did not end')
      }
    },
  },
]
