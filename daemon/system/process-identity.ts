/** Who a process is, beyond its number, which another process may have later: in a container that is the rule. */
import { readFileSync } from 'node:fs'

export interface ProcessIdentity {
  readonly pid: number
  /** When it was started, in ticks since the machine was; empty where the system does not tell. */
  readonly start: string
  /** Which start of the machine that was; empty where the system does not tell. */
  readonly boot: string
}

export function ourselves(): ProcessIdentity {
  return identify(process.pid)
}

/** The process that has this number now. */
export function identify(pid: number): ProcessIdentity {
  return { pid, start: stateOf(pid)?.start ?? '', boot: bootId() }
}

/** One word, fit for a file name. */
export function toWord({ pid, start, boot }: ProcessIdentity): string {
  return `${pid}.${start}.${boot}`
}

export function fromWord(word: string): ProcessIdentity | undefined {
  const [, pid, start, boot] = /^([1-9]\d*)\.(\d*)\.([\w-]*)$/.exec(word) ?? []
  if (pid === undefined || start === undefined || boot === undefined) return undefined
  return { pid: Number(pid), start, boot }
}

/** Whether that very process lives; `perhaps` where only its number can be looked up, and some process has it. */
export function isRunning({ pid, start, boot }: ProcessIdentity): boolean | 'perhaps' {
  if (boot !== bootId()) return false
  if (start === '') return isTaken(pid) ? 'perhaps' : false
  const state = stateOf(pid)
  return state !== undefined && state.start === start && !state.ended
}

function isTaken(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

/** PF_EXITING of the kernel. */
const exiting = 0x4

/**
 * From proc(5): the name of the program, in brackets, may hold anything; the 3rd field is the state, the 9th has flags,
 * the 22nd is the start.
 */
function stateOf(pid: number): { readonly start: string; readonly ended: boolean } | undefined {
  const text = readSystemFile(`/proc/${pid}/stat`)
  if (text === undefined) return undefined
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  // A zombie has ended, and waits for a parent that may never ask; one that is exiting has closed its files already.
  const ended = /^[ZXx]$/.test(fields[0] ?? '') || (Number(fields[6]) & exiting) !== 0
  return { start: fields[19] ?? '', ended }
}

function bootId(): string {
  return readSystemFile('/proc/sys/kernel/random/boot_id')?.trim() ?? ''
}

function readSystemFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    // No such process (it may end while it is asked about), or no /proc: systems other than Linux.
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return undefined
    throw error
  }
}
