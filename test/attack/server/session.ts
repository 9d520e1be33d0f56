/** The processes of a session, from Linux's `/proc`: each server under attack has a session of its own. */
import { readdirSync, readFileSync } from 'node:fs'

export interface Process {
  readonly pid: number
  readonly parent: number
  readonly state: string
  /** Its command line, with spaces between the arguments. */
  readonly command: string
}

const open = new Set<number>()

/** Whatever ends this process, the sessions end with it. */
process.once('exit', () => {
  for (const session of open) killAll(session)
})

/** Takes the responsibility for a session, by the process that leads it. */
export function ownSession(session: number): void {
  open.add(session)
}

/** The processes of a session that are not zombies. */
export function processesOf(session: number): Process[] {
  const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name))
  return pids.flatMap(pid => {
    const found = read(Number(pid))
    return found !== undefined && found.session === session && found.state !== 'Z' ? [found] : []
  })
}

/** Ends what is left of a session, each process by its number. */
export async function endSession(session: number): Promise<void> {
  while (killAll(session) > 0) await new Promise(resolve => setTimeout(resolve, 20))
  open.delete(session)
}

function killAll(session: number): number {
  const left = processesOf(session)
  for (const { pid } of left) signal(pid, 'SIGKILL')
  return left.length
}

/** Sends a signal; false where the process is gone. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}

function read(pid: number): (Process & { readonly session: number }) | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
    const [state = '', parent, , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { pid, parent: Number(parent), state, session: Number(session), command }
  } catch (error) {
    // It ended meanwhile.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}
