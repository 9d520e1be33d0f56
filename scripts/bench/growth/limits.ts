/** Looks for what ends first as workers become a thousand: starts more and more, and watches what each one takes. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { descriptorsOf, membersOf, useOfTree } from '../process-tree.ts'
import type { Resource } from './first-to-break.ts'
import { arbiterDuring, loadFor, reloadOnce, startTsicorn } from './server.ts'
import type { Sweep } from './sweep.ts'

/** What more workers use up. */
export const resources: readonly Resource[] = [
  { name: 'memory', used: 'memory idle, MiB', available: () => memory('MemAvailable') },
  // A worker that is not ready by then is killed: the default of `boot_timeout`.
  { name: 'the time that a start may take', used: 'boot of all, s', available: () => 60 },
  { name: 'descriptors of the arbiter', used: 'descriptors of the arbiter', available: descriptorLimit },
  {
    name: 'process ids',
    used: 'threads',
    available: () => Number(readFileSync('/proc/sys/kernel/pid_max', 'utf8')),
  },
  // The arbiter has one thread.
  { name: "the arbiter's processor", used: 'arbiter CPU idle, ms/s', available: () => 1_000 },
]

/** How much of the memory the next step may take: others need some, too. */
const most = 0.8

export const limits: Sweep = {
  title: 'Towards a thousand workers',
  unit: 'workers',
  points: [64, 128, 256, 512, 1_000],
  lasts: seconds => 5 * (2 * seconds + 60),
  async run(seconds, done) {
    let perWorker = 0
    for (const point of this.points) {
      if (perWorker * point > memory('MemAvailable') * most) {
        console.error(`${point} workers would not fit into memory: ${perWorker.toFixed(1)} MiB each`)
        return
      }
      const server = await startTsicorn(point)
      try {
        const idle = await arbiterDuring(server, () => sleep(seconds * 1_000))
        const { pssMiB } = useOfTree(server.pid)
        perWorker = pssMiB / point
        const threads = membersOf(server.pid).reduce((total, member) => total + member.threads, 0)
        const descriptors = descriptorsOf(server.pid)
        const fresh = await loadFor(server, { isFresh: true }, seconds)
        const reload = await reloadOnce(server, 1)
        done(point, {
          'boot of all, s': server.allReady / 1_000,
          'memory idle, MiB': pssMiB,
          threads,
          'descriptors of the arbiter': descriptors,
          'arbiter CPU idle, ms/s': idle.perSecond,
          'fresh, requests/s': fresh.rate,
          'failed requests': fresh.failed,
          'reload, s': reload / 1_000,
          'warnings in the log': server.said().match(/WARN|ERROR/g)?.length ?? 0,
        })
      } finally {
        await server.stop()
      }
    }
  },
}

/** MiB. */
function memory(field: string): number {
  return (
    Number(new RegExp(`^${field}: +(\\d+) kB`, 'm').exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) / 1024
  )
}

/** The hard limit, to which Node raises the soft one. */
function descriptorLimit(): number {
  return Number(/^Max open files +\d+ +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1])
}
