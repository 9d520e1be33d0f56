/** A case in which a server is loaded for some seconds. */
import { availableParallelism } from 'node:os'
import { autocannon, autocannonPackage } from '../load/autocannon.ts'
import { generatorFor } from '../load/generator.ts'
import { h2load } from '../load/h2load.ts'
import type { Extent, Load } from '../load/load.ts'
import { nanosecondsOf, useOfMachine, useOfSelf, useOfTree } from '../process-tree.ts'
import { type RunningServer, startServer } from '../sides/server.ts'
import { type Setup, usualSetup } from '../sides/setup.ts'
import type { Case, Times } from './case.ts'
import type { Figures } from './figures.ts'

/** A case that can also be loaded in short turns, with other servers beside it. */
export interface LoadCase extends Case {
  /** A number of requests, which is the same for all, needs h2load. */
  load(server: RunningServer, connections: number, extent: Extent): Promise<Figures>
}

export function loadCase(
  title: string,
  {
    against,
    packages = [],
    setup: own = {},
    ...request
  }: {
    readonly setup?: Partial<Setup>
    readonly against?: string
    readonly packages?: readonly string[]
  } & Partial<Omit<Load, 'connections'>>,
): LoadCase {
  const setup = { ...usualSetup, ...own }
  const load = { path: '/', ...request }
  const generator = generatorFor({ protocol: setup.protocol, ...(setup.isUnix ? { socket: true } : {}) })
  const measureLoad: LoadCase['load'] = async (server, connections, extent) => {
    if (generator === undefined) throw new Error(`${title}: needs h2load (Debian: nghttp2-client)`)
    const before = { server: nanosecondsOf(server.pid), machine: useOfMachine(), self: useOfSelf() }
    const {
      requests,
      seconds: took,
      ...result
    } = await ('seconds' in extent
      ? generator(server.target, { ...load, connections }, extent)
      : h2load(server.target, { ...load, connections }, extent))
    if (requests === 0) return { failed: result.failed }
    const cpu = (nanosecondsOf(server.pid) - before.server) / 1_000
    const used = useOfSelf() - before.self + cpu / 1e6
    const others = Math.max(0, useOfMachine() - before.machine - used) / took / availableParallelism()
    return {
      ...result,
      rate: requests / took,
      cpu: cpu / requests,
      pss: useOfTree(server.pid).pssMiB,
      others: others * 100,
    }
  }
  return {
    title,
    setup,
    figures: ['rate', 'p50', 'p99', 'p999', 'cpu', 'pss', 'failed'],
    ...(against === undefined ? {} : { against }),
    packages: [...packages, ...(generator === autocannon ? [autocannonPackage] : [])],
    lasts: ({ seconds, warmUp }) => seconds + warmUp + 2,
    suits: () => generator !== undefined,
    load: measureLoad,
    async measure(side, { connections, seconds, warmUp }: Times) {
      const server = await startServer(side, setup)
      try {
        await measureLoad(server, connections, { seconds: warmUp })
        return await measureLoad(server, connections, { seconds })
      } finally {
        await server.stop()
      }
    },
  }
}
