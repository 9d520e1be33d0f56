/**
 * Ends workers that have outlived their arbiter. A worker whose event loop turns notices that and leaves; a stuck one
 * would keep its address for ever, so the next arbiter that wants the address ends it.
 *
 * Only a process that is certainly an orphaned worker is signalled: it was started by an arbiter that no longer lives,
 * runs as one of our users, and holds the very socket that is in the way.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { arbiterVariable } from '../../worker/protocol/frame.ts'
import type { LogLevel } from '../../worker/protocol/messages.ts'
import { monotonicNow } from '../../worker/protocol/scoreboard.ts'
import { fromWord, isRunning } from '../system/process-identity.ts'
import { type Endpoint, listeningAt } from './descriptor.ts'

export interface Search {
  /** The user whose workers count besides our own, if we are root. */
  readonly user: number | undefined
  readonly report: (level: LogLevel, message: string) => void
  readonly signal: AbortSignal
}

/** How long orphans get to leave, in milliseconds: one that is not stuck closes its listening sockets at once. */
const patienceMs = 3_000

/** How long a worker takes to notice that its arbiter is gone and to stop listening, in milliseconds. */
const leavingMs = 500

/** How long the kernel may take to end a process, and how often to check, in milliseconds. */
const endingMs = 2_000
const pollMs = 50

/** Makes the orphans that hold this place leave; false if other processes hold it. `name` is the place in messages. */
export async function evict(
  place: Endpoint,
  name: string,
  { user, report, signal }: Search,
): Promise<boolean> {
  const sockets = new Set(socketsAt(place))
  const open = () => socketsAt(place).filter(socket => sockets.has(socket))
  const users = new Set([process.geteuid?.(), process.geteuid?.() === 0 ? user : undefined])
  const isOrphan = (pid: number) => isLostWorker(pid, users) && holds(pid, sockets)
  const orphans = processes().filter(isOrphan)
  // An orphan may have left in the meantime, or be about to.
  if (orphans.length === 0) return (await remaining(open, leavingMs, signal)).length === 0
  for (const pid of orphans) {
    const words = `${name} is held by a worker of a server that was killed (pid ${pid})`
    report('warning', `${words}: asking it to finish`)
    end(pid, 'SIGTERM')
  }
  const stuck = await remaining(() => orphans.filter(isOrphan), patienceMs, signal)
  for (const pid of stuck) {
    report('warning', `Killing worker (pid ${pid}): it stands still, and its server was killed`)
    end(pid, 'SIGKILL')
  }
  // A process that ends loses its descriptors a moment before its sockets are closed.
  await remaining(open, endingMs, signal)
  return true
}

/** The sockets by the names that the links in /proc/PID/fd have. */
function socketsAt(place: Endpoint): string[] {
  return listeningAt(place).map(inode => `socket:[${inode}]`)
}

/** Returns what is left after this time, or as soon as nothing is. */
async function remaining<T>(look: () => readonly T[], milliseconds: number, signal: AbortSignal) {
  const until = monotonicNow() + milliseconds
  let left = look()
  while (left.length > 0 && monotonicNow() < until) {
    await sleep(pollMs, undefined, { signal })
    left = look()
  }
  return left
}

function processes(): number[] {
  return readdirSync('/proc').flatMap(name => (/^[1-9]\d*$/.test(name) ? Number(name) : []))
}

function isLostWorker(pid: number, users: ReadonlySet<number | undefined>): boolean {
  const user = /^Uid:\s+\d+\s+(\d+)/m.exec(textOf(`/proc/${pid}/status`) ?? '')?.[1]
  if (user === undefined || !users.has(Number(user))) return false
  const variables = textOf(`/proc/${pid}/environ`)?.split('\0') ?? []
  const said = variables.find(pair => pair.startsWith(`${arbiterVariable}=`))
  const arbiter = said && fromWord(said.slice(arbiterVariable.length + 1))
  // Identities from another pid namespace mean nothing here.
  return (
    !!arbiter && isRunning(arbiter) === false && linkOf(`/proc/${pid}/ns/pid`) === linkOf('/proc/self/ns/pid')
  )
}

function holds(pid: number, sockets: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some(fd => sockets.has(linkOf(`/proc/${pid}/fd/${fd}`) ?? ''))
  } catch (error) {
    return passed(error)
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch (error) {
    return passed(error) || undefined
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch (error) {
    return passed(error) || undefined
  }
}

/** False if the process has ended meanwhile, or may not be inspected. */
function passed(error: unknown): false {
  if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? ''))
    return false
  throw error
}

function end(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    passed(error)
  }
}
