/** Apps that misbehave: what one of them does costs its own worker at most. */
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { integer, pick } from '../random.ts'
import { misdeeds } from '../served/misdeeds.ts'
import type { AttackedServer } from '../server/attacked.ts'
import { becomes } from '../server/patience.ts'
import type { Adversary, Turn } from '../turn.ts'

const kinds = ['keep-alive', 'fresh', 'fresh, unix', 'POST echoed', 'streamed']

const app = fileURLToPath(new URL('../served/misbehaving.mjs', import.meta.url))

/** Misdeeds between two reloads. */
const most = 4

export const misbehaving: readonly Adversary[] = Object.entries(misdeeds).map(([name, some]) => ({
  group: 'apps',
  name,
  run: turn => attack(turn, Object.keys(some)),
}))

async function attack(turn: Turn, names: readonly string[]): Promise<void> {
  const server = await turn.start({
    args: ['-w2', '-b127.0.0.1:0', '-bunix:app.sock', '--timeout=15', app],
  })
  if (server === undefined) return
  const honest = await turn.welcome(server, { kinds })
  await turn.reload(server)
  await settles(turn, server)
  const before = await server.census()
  while (!turn.isOver && server.isAlive) {
    // Whatever a worker with such an app has answered, or not: but nobody may be refused.
    const isOver = honest.excuse({
      why: 'the app misbehaves',
      results: ['reset', 'short body', 'wrong body', 'timeout', 'not begun'],
    })
    for (let count = integer(turn.random, 1, most); count > 0; count -= 1) {
      await misbehave(turn, server, pick(turn.random, names))
    }
    if (!server.isAlive) break
    await turn.reload(server)
    await settles(turn, server)
    isOver()
  }
  if (server.log.includes('forged')) turn.violated('A line of the log was forged')
  await turn.examine(server, { ...before, worker: { descriptors: 1e6, rss: 1e12, inUse: 1e12 } }, /./)
}

async function misbehave(turn: Turn, server: AttackedServer, name: string): Promise<void> {
  const seed = integer(turn.random, 0, 2 ** 31)
  // One that waits for a worker on a busy machine must not be heard when nothing is excused any more.
  const { text, error } = await server.ask(`/misdeed/${encodeURIComponent(name)}?${seed}`, 20)
  turn.did(`${name} (${seed}) in worker ${text ?? `unknown: ${error}`}`)
  await sleep(integer(turn.random, 50, 300))
}

/** Old workers have to leave, whatever has become of them. */
async function settles(turn: Turn, server: AttackedServer): Promise<void> {
  const wanted = () => server.wanted ?? 2
  if (await becomes(() => server.workers.length === wanted(), 45)) return
  if (server.isAlive) turn.violated(`There are ${server.workers.length} workers instead of ${wanted()}`)
}
