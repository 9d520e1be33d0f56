/** What clients notice when the workers change: in a reload, and after one was killed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Change, SteadyLoad } from '../load/steady.ts'
import { type RunningServer, startServer } from '../sides/server.ts'
import { usualSetup } from '../sides/setup.ts'
import type { Case } from './case.ts'
import { workersOf } from './workers.ts'

/** Requests per second: far less than any side can serve. */
const rate = 800

export const reload: Case = {
  title: `reload under ${rate} requests/s`,
  setup: usualSetup,
  figures: ['changed', 'p99', 'p999', 'failed'],
  lasts: () => 6,
  suits: side => side.reload !== undefined,
  async measure(side) {
    const server = await startServer(side, usualSetup)
    try {
      const { firstNew, lastOld, requests, p99, p999, failed } = await changeDuring(server, false, () =>
        side.reload?.(server.pid, server.place),
      )
      return firstNew === undefined || requests === failed
        ? { failed }
        : { changed: lastOld, p99, p999, failed }
    } finally {
      await server.stop()
    }
  },
}

export const respawn: Case = {
  title: `kill -9 of a worker under ${rate} fresh connections/s`,
  setup: usualSetup,
  figures: ['respawn', 'p99', 'p999', 'failed'],
  lasts: () => 6,
  // Threads are not killed alone.
  suits: side => side.isSupervised && side.workers !== 'threads of Node',
  async measure(side) {
    const server = await startServer(side, usualSetup)
    try {
      const { firstNew, requests, p99, p999, failed } = await changeDuring(server, true, async workers => {
        process.kill(Number.parseInt(workers[0]!, 10), 'SIGKILL')
      })
      return firstNew === undefined || requests === failed
        ? { failed }
        : { respawn: firstNew, p99, p999, failed }
    } finally {
      await server.stop()
    }
  },
}

/** Has requests come at a constant rate, changes the workers after a second, and says what the clients noticed. */
async function changeDuring(
  { target }: RunningServer,
  isFresh: boolean,
  act: (workers: readonly string[]) => PromiseLike<unknown> | undefined,
): Promise<Change> {
  const workers = await workersOf(target, usualSetup.workers)
  const client = startClient({ target, rate, isFresh })
  try {
    await sleep(1_000)
    const noticed = once(client, 'message')
    client.send('change')
    await act(workers)
    const [change] = (await noticed) as [Change]
    return change
  } finally {
    client.disconnect()
  }
}

function startClient(load: SteadyLoad): ChildProcess {
  const program = fileURLToPath(new URL('../load/steady.ts', import.meta.url))
  const stdio = ['ignore', 'inherit', 'inherit', 'ipc'] as const
  return spawn(process.execPath, [program, JSON.stringify(load)], { stdio: [...stdio] })
}
