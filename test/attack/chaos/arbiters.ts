/** Arbiters that come and go: upgrades in each order, and kill -9 with a start on the same port after it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort, isAlive } from '../../support/tsicorn.ts'
import { chance, integer, pick } from '../random.ts'
import type { AttackedServer } from '../server/attacked.ts'
import { becomes } from '../server/patience.ts'
import { signal } from '../server/session.ts'
import type { Adversary, Turn } from '../turn.ts'

const kinds = ['keep-alive', 'fresh', 'fresh, unix', 'POST echoed']

const app = fileURLToPath(new URL('../served/listener.mjs', import.meta.url))

export const killing: Adversary = {
  group: 'chaos',
  name: 'kill -9 of the arbiter',
  async run(turn) {
    const args = ['-w2', `-b127.0.0.1:${await freePort()}`, '-bunix:app.sock', '--pid=app.pid', app]
    let server = await turn.start({ args })
    if (server === undefined) return
    const honest = await turn.welcome(server, { kinds })
    while (!turn.isOver) {
      for (const name of ['SIGHUP', 'SIGTTIN', 'SIGTTOU'] as const) {
        if (chance(turn.random, 0.4)) server.signal(name)
      }
      await sleep(integer(turn.random, 0, 600))
      // What its workers have begun they finish; then nobody serves until the next start.
      const serves = honest.excuse({
        why: 'kill -9 of the arbiter',
        results: ['refused', 'reset', 'not begun'],
      })
      turn.did('kill -9 of the arbiter, and a start with the same words')
      signal(server.arbiter, 'SIGKILL')
      const before: AttackedServer = server
      const next = await turn.start({ args, folder: server.folder })
      if (next === undefined) return
      server = next
      before.honest = undefined
      server.honest = honest
      await honest.goesOn()
      serves()
      if (!(await becomes(() => before.left.length === 0, 30))) {
        turn.violated(`Of the killed server ${before.left.map(({ pid }) => pid).join(', ')} live on`)
      }
    }
    await turn.examine(server, undefined)
  },
}

/** How long a new arbiter may take to serve, in seconds: as its server gives a worker to boot, and its own start. */
const startSeconds = 90

/** How an upgrade may end, where it does not fail. */
const ends = ['TERM to the old one', 'TERM to the new one', 'TERM at once', 'kill -9 of the new one'] as const

export const upgrading: Adversary = {
  group: 'chaos',
  name: 'upgrades',
  async run(turn) {
    const server = await turn.start({
      args: ['-w1', '-b127.0.0.1:0', '-bunix:app.sock', '--pid=app.pid', app],
    })
    if (server === undefined) return
    await turn.welcome(server, { kinds })
    while (!turn.isOver && server.isAlive) await upgrade(turn, server)
    await turn.examine(server, undefined, /[Hh]eir|new arbiter|SIGKILL/)
  },
}

async function upgrade(turn: Turn, server: AttackedServer): Promise<void> {
  const how = pick(turn.random, ends)
  turn.did(`USR2, then ${how}`)
  const old = server.arbiter
  const mark = server.log.length
  server.signal('SIGUSR2')
  const [, pid] = (await server.says(/Upgrading: .*\(pid (\d+)\)/, mark)) ?? []
  if (pid === undefined) return turn.violated('USR2 started nothing')
  const next = Number(pid)
  const isServing = async () =>
    (await server.says(/serves beside this one \(pid \d+\)/, mark, startSeconds)) !== undefined
  if (how !== 'TERM at once' && !(await isServing())) return turn.violated('The new arbiter did not serve')
  await sleep(integer(turn.random, 0, 300))
  const stays = how.startsWith('TERM to the old') || how === 'TERM at once' ? next : old
  const leaves = stays === next ? old : next
  signal(leaves, how.startsWith('kill') ? 'SIGKILL' : 'SIGTERM')
  if (!(await becomes(() => !isAlive(leaves), 60))) return turn.violated(`Arbiter ${leaves} did not leave`)
  server.arbiter = stays
  if (!server.isAlive) return turn.violated(`Arbiter ${stays} has ended`)
  // It has to know that it is alone before it can be upgraded again.
  const alone = stays === next ? /Promoted/ : /ended \(pid \d+\)|new arbiter.*ended/
  if ((await server.says(alone, mark)) === undefined)
    turn.violated('The arbiter that stays does not know that it is alone')
  await server.honest?.goesOn()
}
