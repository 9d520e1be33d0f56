/** What other processes of a worker use, as far as `/proc` tells. */
import { readFileSync } from 'node:fs'
import type { Usage } from '../process/heartbeat.ts'

/** What the kernel counts processor time in, for processes. */
const tickMs = 10

/** Of all of them together; processes that are gone use nothing. */
export function usageOf(pids: readonly number[]): Omit<Usage, 'busy'> {
  let rss = 0
  let cpuMs = 0
  for (const pid of pids) {
    // Behind the name of the program, which may contain anything: utime and stime.
    const [, , , , , , , , , , , user = 0, system = 0] = read(pid, 'stat')
      .replace(/^.*\) /s, '')
      .split(' ')
    cpuMs += (Number(user) + Number(system)) * tickMs
    const [, kilobytes = 0] = /^VmRSS:\s+(\d+) kB/m.exec(read(pid, 'status')) ?? []
    rss += Number(kilobytes) * 1_024
  }
  return { rss, cpuMs }
}

/** Empty where the process has ended, or there is no `/proc`. */
function read(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1')
  } catch {
    return ''
  }
}
