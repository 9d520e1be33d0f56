/** Measures what reloads cost the arbiter permanently: its heap and descriptors, before and after many reloads. */
import { makeFolder, Tsicorn } from '../support/tsicorn.ts'
import { descriptorsOf, settled } from './census.ts'
import { openHeap } from './heap.ts'

export interface ReloadsOptions {
  readonly reloads: number
  /** The Node to run the server with. */
  readonly node: string
  readonly tell: (message: string) => void
}

export interface Growth {
  /** Growth of the heap in bytes, after garbage collection. */
  readonly heap: number
  readonly descriptors: number
  readonly faults: readonly string[]
  readonly text: string
}

/** How much the heap may grow, in bytes. */
const mostGrowth = 10 * 2 ** 20

/** After this many reloads, everything that a reload needs is loaded. */
const warmUp = 10

const config = `export default { app: './app.mjs' as string, bind: ['127.0.0.1:0'] }`
const app = `export default (req, res) => res.end('ok')`

/** Reloads one after the other, with a TypeScript configuration that does not change. */
export async function measureReloads({ reloads, node, tell }: ReloadsOptions): Promise<Growth> {
  const main = new URL('../../daemon/tsicorn.js', import.meta.url).pathname
  const folder = makeFolder({ 'tsicorn.config.ts': config, 'app.mjs': app })
  const tsicorn = new Tsicorn(folder, { command: [node, '--inspect=127.0.0.1:0', main] })
  try {
    const [, address] = await tsicorn.says(/Debugger listening on (ws:\S+)/)
    await tsicorn.running()
    const heap = await openHeap(address as string)
    const take = async () => {
      await settled(tsicorn, 1)
      return { used: await heap.used(), descriptors: await descriptorsOf(tsicorn.pid) }
    }
    for (let reload = 0; reload < warmUp; reload += 1) await tsicorn.reload()
    const before = await take()
    for (let reload = 1; reload <= reloads; reload += 1) {
      await tsicorn.reload()
      if (reload % 100 === 0)
        tell(`${reload} reloads: ${mebibytes((await heap.used()) - before.used)} MiB more`)
    }
    const after = await take()
    heap.close()
    return growthOf(reloads, after.used - before.used, after.descriptors - before.descriptors)
  } finally {
    await tsicorn.stop()
  }
}

function growthOf(reloads: number, heap: number, descriptors: number): Growth {
  const text = `${reloads} reloads: ${mebibytes(heap)} MiB of heap and ${descriptors} descriptors more`
  return { heap, descriptors, text, faults: heap < mostGrowth && descriptors <= 0 ? [] : [text] }
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(2)
}
