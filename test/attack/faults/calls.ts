/** System calls that fail: what the arbiter and its workers do themselves has to be ready for it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { integer, pick } from '../random.ts'
import type { AttackedServer } from '../server/attacked.ts'
import { cut } from '../server/excuses.ts'
import { becomes } from '../server/patience.ts'
import { signal } from '../server/session.ts'
import type { Adversary, Turn } from '../turn.ts'
import { inject, whyNotInjected } from './injection.ts'

interface Fault {
  readonly calls: readonly string[]
  readonly errors: readonly string[]
}

/** Of the arbiter: what a machine without memory, processes, descriptors or room on a disk says. */
const ofArbiter: readonly Fault[] = [
  { calls: ['clone', 'clone3', 'fork', 'vfork'], errors: ['EAGAIN', 'ENOMEM', 'ENOSYS'] },
  { calls: ['openat', 'open'], errors: ['EMFILE', 'ENFILE', 'ENOMEM'] },
  { calls: ['pipe2', 'socketpair', 'socket'], errors: ['EMFILE', 'ENFILE', 'ENOBUFS'] },
  { calls: ['pread64'], errors: ['EIO'] },
  { calls: ['pwrite64', 'ftruncate'], errors: ['ENOSPC', 'EIO'] },
  { calls: ['mkdir', 'rename', 'unlink', 'rmdir', 'link'], errors: ['ENOSPC', 'EROFS', 'EACCES'] },
  { calls: ['statx', 'readlink', 'getcwd'], errors: ['EIO', 'EACCES'] },
  { calls: ['chown', 'fchown', 'lchown', 'fchmod', 'chmod'], errors: ['EPERM', 'EROFS'] },
]

/** Of a worker that serves. */
const ofWorker: readonly Fault[] = [
  { calls: ['openat', 'open'], errors: ['EMFILE', 'ENFILE'] },
  { calls: ['accept4', 'accept'], errors: ['EMFILE', 'ENFILE', 'ECONNABORTED'] },
  { calls: ['pwrite64'], errors: ['ENOSPC', 'EIO'] },
  { calls: ['setsockopt', 'getpeername', 'getsockname'], errors: ['EINVAL', 'ENOTCONN'] },
  { calls: ['getrusage', 'statx'], errors: ['EPERM'] },
]

const app = fileURLToPath(new URL('../served/listener.mjs', import.meta.url))

export const failingCalls: readonly Adversary[] = [
  { group: 'faults', name: 'system calls of the arbiter', run: turn => attack(turn, 'arbiter') },
  { group: 'faults', name: 'system calls of a worker', run: turn => attack(turn, 'worker') },
]

async function attack(turn: Turn, victim: 'arbiter' | 'worker'): Promise<void> {
  const why = whyNotInjected()
  if (why !== undefined) return turn.skip(why)
  const server = await turn.start({
    args: ['-w2', '-b127.0.0.1:0', '-bunix:app.sock', '--pid=app.pid', '--access-logfile=access.log', app],
  })
  if (server === undefined) return
  await turn.welcome(server, { kinds: ['keep-alive', 'fresh', 'fresh, unix', 'POST echoed'] })
  while (!turn.isOver && server.isAlive) {
    if (victim === 'arbiter') await failArbiter(turn, server)
    else await failWorker(turn, server)
    if (!server.isAlive) break
    await turn.reload(server, 2)
    // By now it has heard everything that it was told before.
    await restoreScale(server)
    if (!(await becomes(() => server.workers.length === 2, 45))) {
      turn.violated(`There are ${server.workers.length} workers instead of 2`)
    }
  }
  await turn.examine(server, undefined, /./)
}

/** While its calls fail, it is asked to do what needs them. */
async function failArbiter(turn: Turn, server: AttackedServer): Promise<void> {
  const { calls, errors } = pick(turn.random, ofArbiter)
  const error = pick(turn.random, errors)
  const end = await inject(server.arbiter, calls, error)
  if (end === undefined) return turn.did('strace could not be attached')
  turn.did(`${calls.join(', ')} of the arbiter fail with ${error}`)
  const [worker] = server.workers
  const done = server.honest?.excuse({ why: 'killed', workers: [worker as number], results: cut })
  if (worker !== undefined) signal(worker, 'SIGKILL')
  await sleep(integer(turn.random, 50, 700))
  for (const name of ['SIGHUP', 'SIGTTIN', 'SIGTTOU', 'SIGUSR1'] as const) {
    if (turn.random() < 0.5) server.signal(name)
    await sleep(100)
  }
  await sleep(integer(turn.random, 50, 700))
  await end()
  done?.()
  turn.did('They succeed again')
  await server.honest?.goesOn()
  await becomes(() => server.workers.length > 0, 45)
  // One TTIN may have been heard without its TTOU, or the other way round.
  await restoreScale(server)
}

async function failWorker(turn: Turn, server: AttackedServer): Promise<void> {
  const { calls, errors } = pick(turn.random, ofWorker)
  const error = pick(turn.random, errors)
  const worker = pick(turn.random, server.workers)
  const workers = server.workers
  const end = await inject(worker, calls, error)
  if (end === undefined) return turn.did('strace could not be attached')
  turn.did(`${calls.join(', ')} of worker ${worker} fail with ${error}`)
  // A connection that cannot be accepted may be closed; one that is open stays.
  const isAccept = calls.includes('accept4')
  const done = isAccept
    ? server.honest?.excuse({ why: 'not accepted', results: ['reset', 'refused', 'timeout'] })
    : undefined
  await sleep(integer(turn.random, 500, 1_500))
  await end()
  done?.()
  turn.did('They succeed again')
  await server.honest?.goesOn()
  if (workers.some(worker => !server.workers.includes(worker))) turn.violated('A worker has ended')
}

async function restoreScale(server: AttackedServer): Promise<void> {
  for (let tries = 0; tries < 5; tries += 1) {
    const { wanted = 2 } = server
    if (wanted === 2) return
    const mark = server.log.length
    server.signal(wanted < 2 ? 'SIGTTIN' : 'SIGTTOU')
    await server.says(/Wanted: \d+ worker/, mark, 5)
  }
}
