/** What Linux tells of processes in `/proc`, see proc(5); nothing where there is none. */
import { readFileSync } from 'node:fs'

export interface ProcessUsage {
  /** Resident memory in bytes; pages that processes share count for each of them. */
  readonly rss: number
  /** Processor time in milliseconds. */
  readonly cpuMs: number
}

/** The clock tick in which Linux reports times, in milliseconds: USER_HZ is 100 everywhere. */
const tickMs = 10

/** Of all of them together, `withEnded` with the processor time of their children that have ended. */
export function usageOf(pids: readonly number[], withEnded = false): ProcessUsage {
  let rss = 0
  let cpuMs = 0
  for (const pid of pids) {
    const ticks = statOf(pid).slice(11, withEnded ? 15 : 13)
    cpuMs += ticks.reduce((sum, count) => sum + Number(count), 0) * tickMs
    const [, kilobytes = 0] = /^VmRSS:\s+(\d+) kB/m.exec(readOf(pid, 'status')) ?? []
    rss += Number(kilobytes) * 1_024
  }
  return { rss, cpuMs }
}

/** The fields of `stat` from the state on, which follows the name of the program in brackets; none if it has ended. */
export function statOf(pid: number): readonly string[] {
  const text = readOf(pid, 'stat')
  return text === '' ? [] : text.slice(text.lastIndexOf(')') + 2).split(' ')
}

/** The text of such a file; empty if the process has ended, or belongs to another user. */
export function readOf(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1')
  } catch {
    return ''
  }
}
