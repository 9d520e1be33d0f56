/** Finding 14: reloads that come faster than workers boot. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Adversary } from '../turn.ts'

const bootMs = 1_200
const pauseMs = 900
const reloads = 40

export const reloading: readonly Adversary[] = [
  {
    group: 'corpus',
    name: 'finding 14: HUP more often than a worker boots',
    async run(turn) {
      const app = `await new Promise(resolve => setTimeout(resolve, ${bootMs}))
        export default (_req, res) => res.end('ok')`
      const server = await turn.start({ args: ['-b127.0.0.1:0', './app.mjs'], files: { 'app.mjs': app } })
      if (server === undefined) return
      const mark = server.log.length
      turn.did(`HUP every ${pauseMs} ms, with a boot of ${bootMs} ms at least`)
      const isDone = () => /generation \d+ serves/.test(server.log.slice(mark))
      for (let count = 0; count < reloads && !isDone() && server.isAlive; count += 1) {
        server.signal('SIGHUP')
        await sleep(pauseMs)
      }
      if (!isDone()) turn.violated(`Of ${reloads} reloads none was completed`)
      await turn.serves(server)
      await turn.examine(server, undefined)
    },
  },
]
