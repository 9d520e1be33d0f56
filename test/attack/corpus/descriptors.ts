/** Finding 3: without descriptors, honest clients are served at the cost of idle ones. */
import { connect, type Socket } from 'node:net'
import type { Adversary } from '../turn.ts'

/** What one process may have, and how many connections want one. */
const limit = 96
const idle = 250

export const descriptors: readonly Adversary[] = [
  {
    group: 'corpus',
    name: 'finding 3: idle connections beyond the limit of descriptors',
    async run(turn) {
      const server = await turn.start({
        under: ['prlimit', `--nofile=${limit}`],
        args: ['-w2', '-b127.0.0.1:0', './app.mjs'],
        files: { 'app.mjs': `export default (_req, res) => res.end('ok')` },
      })
      if (server === undefined) return
      const workers = server.workers
      const sockets: Socket[] = []
      for (let count = 0; count < idle; count += 1) {
        sockets.push(connect(server.address).on('error', () => undefined))
      }
      turn.did(`${idle} connections that say nothing`)
      await turn.serves(server, 20)
      // A heartbeat or two of the workers in this state.
      await new Promise(resolve => setTimeout(resolve, 1_000))
      await turn.serves(server)
      if (workers.some(worker => !server.workers.includes(worker))) turn.violated('A worker has ended')
      for (const socket of sockets) socket.destroy()
      await turn.examine(server, undefined, /descriptor|EMFILE/)
    },
  },
]
