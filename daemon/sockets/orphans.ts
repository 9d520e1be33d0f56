/**
 * Workers that have outlived their arbiter. One whose event loop turns notices that and leaves; one that stands still
 * would keep its address for ever, so the arbiter that wants the address next ends it.
 *
 * Only a process that is surely a worker without an arbiter is touched: it was started with the identity of an arbiter that
 * does not live any more, runs as a user of ours, and holds the very socket that is in the way.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { arbiterVariable } from '../../worker/protocol/frame.ts'
import type { LogLevel } from '../../worker/protocol/messages.ts'
import { monotonicNow } from '../../worker/protocol/scoreboard.ts'
import { fromWord, isRunning } from '../system/process-identity.ts'
import { type Endpoint, listeningAt } from './descriptor.ts'

export interface Search {
  /** Whose workers count besides our own, where we are root. */
  readonly user: number | undefined
  readonly report: (level: LogLevel, message: string) => void
  readonly signal: AbortSignal
}

/** One that is not stuck gives up its listening sockets at once, whatever it has to answer; in milliseconds. */
const patienceMs = 3_000

/** In which time a worker notices that it has lost its arbiter, and stops listening, in milliseconds. */
const leavingMs = 500

/** How long the kernel may take to end a process, and how often to look, in milliseconds. */
const endingMs = 2_000
const pollMs = 50

/** Has the orphans that hold this place leave it; false where others hold it. `name` is the place in messages. */
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
  // Whoever was there may have left by now, or be about to: workers that have lost their arbiter do.
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
  // A process that is about to end has no descriptors any more a moment before its sockets are closed.
  await remaining(open, endingMs, signal)
  return true
}

/** As the links of descriptors name them. */
function socketsAt(place: Endpoint): string[] {
  return listeningAt(place).map(inode => `socket:[${inode}]`)
}

/** What is still there after so long; sooner when nothing is. */
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
  // The identities of another pid namespace mean nothing here.
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

/** False where a process has ended meanwhile, or is not ours to look at. */
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
