/** Identifies a process by more than its pid, which another process may get later: in a container, that is the rule. */
import { readFileSync } from 'node:fs'

export interface ProcessIdentity {
  readonly pid: number
  /** When it was started, in clock ticks since the machine booted; empty if the system does not tell. */
  readonly start: string
  /** Which boot of the machine that was; empty if the system does not tell. */
  readonly boot: string
}

export function ourselves(): ProcessIdentity {
  return identify(process.pid)
}

/** The process that has this pid now. */
export function identify(pid: number): ProcessIdentity {
  return { pid, start: stateOf(pid)?.start ?? '', boot: bootId() }
}

/** One word, usable as a file name. */
export function toWord({ pid, start, boot }: ProcessIdentity): string {
  return `${pid}.${start}.${boot}`
}

export function fromWord(word: string): ProcessIdentity | undefined {
  const [, pid, start, boot] = /^([1-9]\d*)\.(\d*)\.([\w-]*)$/.exec(word) ?? []
  if (pid === undefined || start === undefined || boot === undefined) return undefined
  return { pid: Number(pid), start, boot }
}

/** Whether that very process lives; `perhaps` if only its pid can be checked, and some process has it. */
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

/** The kernel's flag PF_EXITING. */
const exiting = 0x4

/**
 * See proc(5): the name of the program, in brackets, may contain anything; the 3rd field is the state, the 9th the
 * flags, the 22nd the start time.
 */
function stateOf(pid: number): { readonly start: string; readonly ended: boolean } | undefined {
  const text = readSystemFile(`/proc/${pid}/stat`)
  if (text === undefined) return undefined
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  // A zombie has ended, but its parent may never reap it; an exiting process has already closed its files.
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
    // No such process (it may end during the read), or no /proc: not Linux.
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return undefined
    throw error
  }
}
