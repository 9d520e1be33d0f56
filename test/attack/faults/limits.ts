/** Limits of the kernel that a server runs into: descriptors, processes, size of files, room on a disk. */
import { chmodSync, chownSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { makeFolder } from '../../support/tsicorn.ts'
import { integer } from '../random.ts'
import type { AttackedServer } from '../server/attacked.ts'
import { becomes } from '../server/patience.ts'
import type { Adversary, Turn } from '../turn.ts'

const kinds = ['keep-alive', 'fresh', 'fresh, unix', 'POST echoed']

const app = fileURLToPath(new URL('../served/listener.mjs', import.meta.url))

const common = [
  '-w2',
  '-b127.0.0.1:0',
  '-bunix:app.sock',
  '--pid=app.pid',
  '--access-logfile=logs/access.log',
  app,
]

/** Descriptors that a process may have, and idle connections that want one of a worker. */
const mostDescriptors = 128
const mostIdle = 400

export const limits: readonly Adversary[] = [
  {
    group: 'faults',
    name: 'EMFILE',
    async run(turn) {
      const server = await begin(turn, ['prlimit', `--nofile=${mostDescriptors}`])
      if (server === undefined) return
      while (!turn.isOver && server.isAlive) {
        // Those that a reload has replaced may be leaving still.
        await becomes(() => server.workers.length === 2, 30)
        const workers = server.workers
        // More newcomers in one moment than there are descriptors: nobody can tell yet which of them will ask.
        const isOver = server.honest?.excuse({ why: 'a crowd', isFirst: true, results: ['reset'] })
        const sockets = crowd(server, integer(turn.random, mostDescriptors, mostIdle))
        isOver?.()
        turn.did(`${sockets.length} connections that say nothing`)
        await sleep(integer(turn.random, 300, 1_500))
        await server.honest?.goesOn()
        if (workers.some(worker => !server.workers.includes(worker))) turn.violated('A worker has ended')
        for (const socket of sockets) socket.destroy()
        await turn.reload(server)
      }
      await turn.examine(server, undefined, /EMFILE|descriptor/)
    },
  },
  {
    group: 'faults',
    name: 'ENOSPC',
    async run(turn) {
      if (process.getuid?.() !== 0) return turn.skip('not root')
      const mount =
        'mount -t tmpfs -o size=256k tmpfs logs && mkdir logs/shm && mount --bind logs/shm /dev/shm && exec "$@"'
      const server = await begin(turn, ['unshare', '-m', 'sh', '-c', mount, 'sh'])
      if (server === undefined) return
      // Another mount namespace: only its processes see the small disk.
      const filler = `/proc/${server.arbiter}/root${server.folder}/logs/filler`
      while (!turn.isOver && server.isAlive) {
        fill(filler)
        turn.did('The disk is full')
        await sleep(integer(turn.random, 200, 600))
        for (const name of ['SIGUSR1', 'SIGTTIN', 'SIGTTOU', 'SIGHUP'] as const) {
          if (turn.random() < 0.5) server.signal(name)
          await sleep(100)
        }
        await server.honest?.goesOn()
        rmSync(filler, { force: true })
        turn.did('There is room again')
        if (server.isAlive) await turn.reload(server, 2)
      }
      await turn.examine(server, undefined, /./)
    },
  },
  {
    group: 'faults',
    name: 'RLIMIT_FSIZE',
    async run(turn) {
      const server = await begin(turn, ['prlimit', '--fsize=98304'])
      if (server === undefined) return
      while (!turn.isOver && server.isAlive) {
        await server.honest?.goesOn(100)
        await turn.reload(server)
      }
      await turn.examine(server, undefined, /./)
    },
  },
  {
    group: 'faults',
    name: 'RLIMIT_NPROC',
    async run(turn) {
      if (process.getuid?.() !== 0) return turn.skip('not root')
      // A user that nobody else is: the limit counts the threads of all processes of the user.
      const user = integer(turn.random, 2 ** 20, 2 ** 30)
      const folder = makeFolder({ 'logs/access.log': '' })
      for (const path of [folder, `${folder}/logs`, `${folder}/logs/access.log`]) chownSync(path, user, user)
      chmodSync(folder, 0o755)
      const asUser = ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups']
      const server = await begin(turn, ['prlimit', '--nproc=45', ...asUser], folder)
      if (server === undefined) return
      while (!turn.isOver && server.isAlive) {
        const serving = server.workers.length
        server.signal('SIGTTIN')
        server.signal('SIGTTIN')
        turn.did('TTIN, without threads for more workers')
        await sleep(integer(turn.random, 500, 2_000))
        await server.honest?.goesOn()
        if (server.workers.length < serving) turn.violated('A worker has ended')
        for (let left = server.wanted ?? 2; left > 2; left -= 1) {
          server.signal('SIGTTOU')
          await sleep(50)
        }
        await becomes(() => server.workers.length === 2, 30)
      }
      await turn.examine(server, undefined, /./)
    },
  },
]

async function begin(
  turn: Turn,
  under: readonly string[],
  folder?: string,
): Promise<AttackedServer | undefined> {
  const place = folder === undefined ? { files: { 'logs/.keep': '' } } : { folder }
  const server = await turn.start({ ...place, under, args: common })
  if (server !== undefined) await turn.welcome(server, { kinds })
  return server
}

function crowd(server: AttackedServer, count: number): Socket[] {
  return Array.from({ length: count }, () => connect(server.address).on('error', () => undefined))
}

/** Until there is no room for another byte. */
function fill(path: string): void {
  try {
    writeFileSync(path, Buffer.alloc(2 ** 20))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  }
}
