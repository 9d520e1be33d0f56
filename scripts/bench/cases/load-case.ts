/** A case in which a server is loaded for some seconds. */
import { availableParallelism } from 'node:os'
import { autocannon, autocannonPackage } from '../load/autocannon.ts'
import { generatorFor } from '../load/generator.ts'
import type { Load } from '../load/load.ts'
import { nanosecondsOf, useOfMachine, useOfSelf, useOfTree } from '../process-tree.ts'
import { type RunningServer, startServer } from '../sides/server.ts'
import { type Setup, usualSetup } from '../sides/setup.ts'
import type { Case, Times } from './case.ts'
import type { Figures } from './figures.ts'

/** A case that can also be loaded in short turns, with other servers beside it. */
export interface LoadCase extends Case {
  load(server: RunningServer, seconds: number): Promise<Figures>
}

export function loadCase(
  title: string,
  {
    against,
    packages = [],
    setup: own = {},
    ...own_load
  }: {
    readonly setup?: Partial<Setup>
    readonly against?: string
    readonly packages?: readonly string[]
  } & Partial<Load>,
): LoadCase {
  const setup = { ...usualSetup, ...own }
  const load = { path: '/', connections: 64, ...own_load }
  const generator = generatorFor({ protocol: setup.protocol, ...(setup.isUnix ? { socket: true } : {}) })
  const measureLoad = async (server: RunningServer, seconds: number): Promise<Figures> => {
    if (generator === undefined) throw new Error(`${title}: needs h2load (Debian: nghttp2-client)`)
    const before = { server: nanosecondsOf(server.pid), machine: useOfMachine(), self: useOfSelf() }
    const { requests, seconds: took, ...result } = await generator(server.target, load, seconds)
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
    async measure(side, { seconds, warmUp }: Times) {
      const server = await startServer(side, setup)
      try {
        await measureLoad(server, warmUp)
        return await measureLoad(server, seconds)
      } finally {
        await server.stop()
      }
    },
  }
}
