/** How evenly long-lived connections are spread over idle workers. */
import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask } from '../load/target.ts'
import { startServer } from '../sides/server.ts'
import { usualSetup } from '../sides/setup.ts'
import type { Case } from './case.ts'
import { workersOf } from './workers.ts'

const setup = { ...usualSetup, workers: 8 }
const connections = 400

/** Between two of them. */
const intervalMs = 2

export const skew: Case = {
  title: `${connections} long-lived connections over ${setup.workers} workers`,
  setup,
  figures: ['skew', 'idleWorkers'],
  lasts: () => 6,
  // A thread that serves one connection for long has no time for another.
  suits: side => side.workers !== 'processes of Python',
  async measure(side) {
    const server = await startServer(side, setup)
    // Each keeps one connection open.
    const agents = Array.from({ length: connections }, () => new Agent({ keepAlive: true }))
    try {
      await workersOf(server.target, setup.workers)
      const answers = []
      for (const agent of agents) {
        answers.push(ask(server.target, '/worker', agent))
        await sleep(intervalMs)
      }
      const names = (await Promise.all(answers)).map(({ body }) => body)
      const counts = Array.from(Map.groupBy(names, name => name).values(), ({ length }) => length)
      return {
        skew: Math.max(...counts) / (connections / setup.workers),
        idleWorkers: setup.workers - counts.length,
      }
    } finally {
      for (const agent of agents) agent.destroy()
      await server.stop()
    }
  },
}
