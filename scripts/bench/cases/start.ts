/** How long a server takes to its first answer, and what it then takes of the memory. */
import { setTimeout as sleep } from 'node:timers/promises'
import { membersOf, privateMiB, useOfTree } from '../process-tree.ts'
import { median } from '../report/statistics.ts'
import { startServer } from '../sides/server.ts'
import { usualSetup } from '../sides/setup.ts'
import type { Case } from './case.ts'

/** Until all workers have started. */
const settlingMs = 1_000

export const start: Case = {
  title: 'start, and memory at idle',
  setup: usualSetup,
  figures: ['boot', 'idlePss', 'privateFirst', 'privateWorker'],
  lasts: () => settlingMs / 1_000 + 2,
  async measure(side) {
    const server = await startServer(side, usualSetup)
    try {
      await sleep(settlingMs)
      const workers = membersOf(server.pid).slice(1)
      return {
        boot: server.boot,
        idlePss: useOfTree(server.pid).pssMiB,
        privateFirst: privateMiB(server.pid),
        ...(workers.length === 0 ? {} : { privateWorker: median(workers.map(({ pid }) => privateMiB(pid))) }),
      }
    } finally {
      await server.stop()
    }
  },
}
