/** What a process and its children use together, from Linux's `/proc`; nothing where there is none. */
import { readdirSync, readFileSync } from 'node:fs'

export interface Usage {
  /** Resident memory in bytes; pages that processes share count for each of them. */
  readonly rss: number
  /** Processor time in milliseconds, also of children that have ended. */
  readonly cpuMs: number
}

/** The clock tick in which Linux reports times, in milliseconds: USER_HZ is 100 everywhere. */
const tickMs = 10

export function usageOf(pid: number): Usage {
  let rss = 0
  let cpuMs = 0
  for (const one of treeOf(pid)) {
    const [, kilobytes = '0'] = /^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${one}/status`)) ?? []
    rss += Number(kilobytes) * 1_024
    const ticks = fieldsOf(one).slice(11, 15).map(Number)
    cpuMs += ticks.reduce((sum, count) => sum + count, 0) * tickMs
  }
  return { rss, cpuMs }
}

/** The process and all below it. */
function treeOf(pid: number): readonly number[] {
  const found = [pid]
  // It grows while it is walked through.
  for (const one of found) {
    for (const thread of list(`/proc/${one}/task`)) {
      const children = read(`/proc/${one}/task/${thread}/children`).trim()
      if (children !== '') found.push(...children.split(' ').map(Number))
    }
  }
  return found
}

/** The living processes of a process group, and those in whose environment all these variables are. */
export function kinOf(group: number, variables: readonly string[]): readonly number[] {
  return list('/proc').flatMap(name => {
    const pid = Number(name)
    if (!Number.isInteger(pid) || pid === process.pid) return []
    const [state = 'X', , ownGroup] = fieldsOf(pid)
    if (/^[ZXx]$/.test(state)) return []
    if (Number(ownGroup) === group) return [pid]
    const environment = read(`/proc/${pid}/environ`).split('\0')
    return variables.every(pair => environment.includes(pair)) ? [pid] : []
  })
}

/** See proc(5): from the state on, which follows the name of the program in brackets. */
function fieldsOf(pid: number): readonly string[] {
  const text = read(`/proc/${pid}/stat`)
  return text === '' ? [] : text.slice(text.lastIndexOf(')') + 2).split(' ')
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    // It has ended, belongs to another user, or there is no /proc.
    return ''
  }
}

function list(path: string): readonly string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}
