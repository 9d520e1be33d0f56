/** The three ways to grow: more workers, more connections, more reloads. */
import { setTimeout as sleep } from 'node:timers/promises'
import { descriptorsOf, nanosecondsOfProcess, privateMiB, useOfTree } from '../process-tree.ts'
import { arbiterDuring, loadFor, reloadOnce, startTsicorn } from './server.ts'
import type { Sweep } from './sweep.ts'

/** Two to each worker of the largest server, so that none is left without. */
const connectionsForWorkers = 128

const workers: Sweep = {
  title: 'Workers',
  unit: 'workers',
  points: [1, 2, 4, 8, 16, 32, 64],
  lasts: seconds => 7 * (3 * seconds + 10),
  async run(seconds, done) {
    for (const point of this.points) {
      const server = await startTsicorn(point)
      try {
        const idle = await arbiterDuring(server, () => sleep(seconds * 1_000))
        const pss = useOfTree(server.pid).pssMiB
        const connections = connectionsForWorkers
        const keepAlive = await arbiterDuring(server, () => loadFor(server, { connections }, seconds))
        const fresh = await loadFor(server, { connections, isFresh: true }, seconds)
        const reload = await arbiterDuring(server, () => reloadOnce(server, 1))
        done(point, {
          'keep-alive, requests/s': keepAlive.result.rate,
          'fresh, requests/s': fresh.rate,
          'memory idle, MiB': pss,
          'boot of all, ms': server.allReady,
          'reload, ms': reload.result,
          'arbiter CPU idle, ms/s': idle.perSecond,
          'arbiter CPU under load, ms/s': keepAlive.perSecond,
          'arbiter CPU per reload, ms': reload.total,
          'arbiter private memory, MiB': privateMiB(server.pid),
        })
      } finally {
        await server.stop()
      }
    }
  },
}

const connections: Sweep = {
  title: 'Connections',
  unit: 'connections, two workers',
  points: [64, 256, 1_000, 4_000, 10_000],
  lasts: seconds => 5 * (2 * seconds + 5),
  async run(seconds, done) {
    for (const point of this.points) {
      const server = await startTsicorn(2)
      try {
        const load = { connections: point }
        await loadFor(server, load, seconds)
        const { result, perSecond } = await arbiterDuring(server, () => loadFor(server, load, seconds))
        done(point, {
          'requests/s': result.rate,
          'p99, ms': result.p99,
          failed: result.failed,
          'memory after, MiB': useOfTree(server.pid).pssMiB,
          'arbiter CPU, ms/s': perSecond,
        })
      } finally {
        await server.stop()
      }
    }
  },
}

const reloads: Sweep = {
  title: 'Reloads',
  unit: 'reloads, two workers',
  points: [1, 3, 10, 30, 100, 300, 1_000],
  lasts: seconds => 7 * seconds + 1_000 * 0.6,
  async run(seconds, done) {
    const server = await startTsicorn(2)
    try {
      let reloaded = 0
      for (const point of this.points) {
        const before = { cpu: nanosecondsOfProcess(server.pid), reloaded, at: performance.now() }
        while (reloaded < point) {
          reloaded += 1
          await reloadOnce(server, reloaded)
        }
        const count = reloaded - before.reloaded
        const took = performance.now() - before.at
        const cpu = (nanosecondsOfProcess(server.pid) - before.cpu) / 1e6
        const { rate } = await loadFor(server, {}, seconds)
        done(point, {
          'reload, ms': took / count,
          'arbiter CPU per reload, ms': cpu / count,
          'arbiter private memory, MiB': privateMiB(server.pid),
          'descriptors of the arbiter': descriptorsOf(server.pid),
          'requests/s': rate,
        })
      }
    } finally {
      await server.stop()
    }
  },
}

export const sweeps = { workers, connections, reloads } as const
