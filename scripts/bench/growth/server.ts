/** The server whose cost grows: tsicorn from this repository. */
import { setTimeout as sleep } from 'node:timers/promises'
import { generatorFor } from '../load/generator.ts'
import type { Load, LoadResult } from '../load/load.ts'
import { nanosecondsOfProcess } from '../process-tree.ts'
import { type RunningServer, startServer } from '../sides/server.ts'
import { usualSetup } from '../sides/setup.ts'
import { tsicorn } from '../sides/tsicorn.ts'

export interface GrowingServer extends RunningServer {
  /** Milliseconds from the start of the command until all workers were ready. */
  readonly allReady: number
}

const patienceMs = 600_000

export async function startTsicorn(workers: number): Promise<GrowingServer> {
  const began = performance.now()
  const server = await startServer(tsicorn, { ...usualSetup, workers })
  try {
    await untilSaid(server, 'Running: ')
    return { ...server, allReady: performance.now() - began }
  } catch (error) {
    await server.stop()
    throw error
  }
}

/** Reloads once, and returns the milliseconds until the new generation serves. */
export async function reloadOnce(server: RunningServer, number: number): Promise<number> {
  const began = performance.now()
  process.kill(server.pid, 'SIGHUP')
  await untilSaid(server, new RegExp(`Reload ${number}: generation \\d+ serves`))
  return performance.now() - began
}

export async function loadFor(
  server: RunningServer,
  load: Partial<Load>,
  seconds: number,
): Promise<LoadResult & { readonly rate: number }> {
  const generator = generatorFor(server.target)!
  const result = await generator(server.target, { path: '/', connections: 64, ...load }, { seconds })
  return { ...result, rate: result.requests / result.seconds }
}

/** Milliseconds of processor time that the arbiter uses in a second, while something else happens. */
export async function arbiterDuring<Result>(
  { pid }: RunningServer,
  act: () => Promise<Result>,
): Promise<{ readonly result: Result; readonly perSecond: number; readonly total: number }> {
  const [began, before] = [performance.now(), nanosecondsOfProcess(pid)]
  const result = await act()
  const total = (nanosecondsOfProcess(pid) - before) / 1e6
  return { result, total, perSecond: (total / (performance.now() - began)) * 1_000 }
}

async function untilSaid(server: RunningServer, words: string | RegExp): Promise<void> {
  const isSaid = () => (typeof words === 'string' ? server.said().includes(words) : words.test(server.said()))
  for (const began = performance.now(); !isSaid(); await sleep(5)) {
    if (performance.now() - began > patienceMs)
      throw new Error(`It never said ${words}:\n${server.said().slice(-2_000)}`)
  }
}
