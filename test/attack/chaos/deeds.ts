/** What the storm does: each deed is over when it returns, and what follows from it may not be. */
import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { chance, integer, pick } from '../random.ts'
import { cut } from '../server/excuses.ts'
import { signal } from '../server/session.ts'
import { badApps, badConfigurations, goodConfigurations } from './mistakes.ts'
import { goodApp, mostWanted, type World } from './world.ts'

export interface Deed {
  readonly name: string
  /** How often it comes, in relation to the others. */
  readonly share: number
  /** Returns what exactly was done, where there is a choice. */
  run(world: World): Promise<string | undefined> | string | undefined
}

const floods = ['SIGHUP', 'SIGTTIN', 'SIGTTOU', 'SIGUSR1', 'SIGCONT'] as const

export const deeds: readonly Deed[] = [
  { name: 'HUP', share: 5, run: hup },
  {
    name: 'TTIN',
    share: 2,
    run: world => (world.wanted < mostWanted ? send(world, 'SIGTTIN') : undefined),
  },
  { name: 'TTOU', share: 2, run: world => send(world, 'SIGTTOU') },
  { name: 'USR1', share: 2, run: world => send(world, 'SIGUSR1') },
  {
    name: 'WINCH, and TTIN soon after',
    share: 1,
    async run(world) {
      send(world, 'SIGWINCH')
      await sleep(integer(world.random, 0, 500))
      send(world, 'SIGTTIN')
      return undefined
    },
  },
  {
    name: 'a flood of one signal',
    share: 1,
    async run(world) {
      const name = pick(world.random, floods)
      for (let sent = 0; sent < 200; sent += 1) send(world, name)
      // Signals are no counters: how many of them are heard is open.
      await world.limitScale()
      return name
    },
  },
  {
    name: 'a flood of signals',
    share: 1,
    async run(world) {
      for (let sent = 0; sent < 100; sent += 1) send(world, pick(world.random, floods))
      await world.limitScale()
      return undefined
    },
  },
  changed('a good configuration', 3, 'tsicorn.config.mjs', goodConfigurations),
  changed('a bad configuration', 6, 'tsicorn.config.mjs', badConfigurations),
  changed('a bad app', 4, 'app.mjs', badApps),
  {
    name: 'a good app',
    share: 3,
    run(world) {
      world.write('app.mjs', goodApp)
      hup(world)
      return undefined
    },
  },
  {
    name: 'another release',
    share: 2,
    run(world) {
      world.switchRelease()
      hup(world)
      return undefined
    },
  },
  { name: 'the pidfile removed', share: 1, run: world => remove(world, 'app.pid') },
  {
    name: 'the file of the unix socket removed',
    share: 1,
    run(world) {
      world.excuse({ why: 'its socket was removed', kinds: /unix/, results: ['refused'] })
      return remove(world, 'app.sock')
    },
  },
  { name: 'the folder of the logs removed', share: 1, run: world => remove(world, 'logs') },
  {
    name: 'something else in the place of the access log',
    share: 2,
    run(world) {
      const what = pick(world.random, ['FIFO', 'folder', 'dangling link', 'link loop'] as const)
      world.replace('logs/access.log', what)
      send(world, pick(world.random, ['SIGUSR1', 'SIGHUP']))
      return what
    },
  },
  {
    name: 'the arbiter stopped for a while',
    share: 2,
    async run(world) {
      const ms = integer(world.random, 50, 2_000)
      await world.suspend(world.server.arbiter, ms)
      return `${ms} ms`
    },
  },
  {
    name: 'a worker stopped for a while',
    share: 2,
    async run(world) {
      const ms = integer(world.random, 50, 1_500)
      if (world.workers.length > 0) await world.suspend(pick(world.random, world.workers), ms)
      return `${ms} ms`
    },
  },
  {
    name: 'kill -9 of a worker',
    share: 2,
    run(world) {
      if (world.workers.length === 0) return undefined
      const worker = pick(world.random, world.workers)
      world.excuse({ why: 'killed', workers: [worker], results: ['reset', 'short body', 'not begun'] })
      signal(worker, 'SIGKILL')
      return String(worker)
    },
  },
]

function send(world: World, name: NodeJS.Signals): undefined {
  world.server.signal(name)
}

/** Most of the time; else the next one that comes along reads what was written. */
function hup(world: World): undefined {
  if (chance(world.random, 0.9)) world.server.signal('SIGHUP')
}

function remove(world: World, name: string): undefined {
  rmSync(world.path(name), { recursive: true, force: true })
}

/** One of these texts is written to the file, and read. */
function changed(
  name: string,
  share: number,
  file: 'app.mjs' | 'tsicorn.config.mjs',
  texts: Readonly<Record<string, string>>,
): Deed {
  return {
    name,
    share,
    run(world) {
      const which = pick(world.random, Object.keys(texts))
      world.write(file, texts[which] as string)
      // A worker that is quick to load serves by then, and ends as it would by an error of the app.
      if (endsWorkers.test(which))
        world.excuse({ why: 'a hook left an error that nobody handles', results: cut })
      hup(world)
      return which
    },
  }
}

/** The configurations with a hook whose error comes late, and in a worker. */
const endsWorkers = /^post_\w+ (?:throws|is rejected) later$/
