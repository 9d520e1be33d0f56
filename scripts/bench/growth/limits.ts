/** Looks for what ends first as workers become a thousand: starts more and more, and watches what each one takes. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { descriptorsOf, membersOf, useOfTree } from '../process-tree.ts'
import { arbiterDuring, loadFor, reloadOnce, startTsicorn } from './server.ts'
import type { Sweep, Values } from './sweep.ts'

/** Something that a machine has only so much of. */
interface Resource {
  readonly name: string
  /** Of what was measured. */
  readonly used: string
  readonly available: () => number
}

const resources: readonly Resource[] = [
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

/** At how many workers each resource of this machine is used up, the first one first, along the last two points. */
export function firstToBreak(
  measured: readonly (readonly [workers: number, values: Values])[],
  known: readonly Resource[] = resources,
): string {
  const [before, last] = measured.slice(-2)
  if (before === undefined || last === undefined) return 'Too few points to tell what breaks first.'
  const ends = known.map(({ name, used, available }) => {
    const [from, to] = [before[1][used] ?? 0, last[1][used] ?? 0]
    const perWorker = (to - from) / (last[0] - before[0])
    const workers = perWorker > 0 ? last[0] + (available() - to) / perWorker : Number.POSITIVE_INFINITY
    return { name, used, perWorker, available: available(), workers }
  })
  const lines = ends
    .sort((one, other) => one.workers - other.workers)
    .map(
      ({ name, used, perWorker, available, workers }) =>
        `${name} (${used}): ${perWorker.toPrecision(3)} for each worker, ${Math.round(available)} at most, ` +
        `which is reached at ${Number.isFinite(workers) ? Math.round(workers).toLocaleString('en') : 'no number of'} workers`,
    )
  return [
    `What ends first on this machine, from ${before[0]} and ${last[0]} workers:`,
    '',
    ...lines.map((line, n) => `${n + 1}. ${line}`),
  ].join('\n')
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
