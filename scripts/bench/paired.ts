/** Loads all servers in short turns while all of them run, so that what else the machine does meets them alike. */
import type { Case } from './cases/case.ts'
import type { Figures } from './cases/figures.ts'
import type { LoadCase } from './cases/load-case.ts'
import { type Contestant, contestants, type Run } from './compare.ts'
import { markdownTable } from './report/markdown.ts'
import { startProgress } from './report/progress.ts'
import { median, ratios, rotated, spread } from './report/statistics.ts'
import { type RunningServer, startServer } from './sides/server.ts'

export type PairedResults = readonly (readonly [Contestant, readonly Figures[]])[]

export async function comparePaired({ rounds, times, ...run }: Run): Promise<PairedResults> {
  const all = contestants(run)
  const results = new Map<Contestant, Figures[]>(all.map(contestant => [contestant, []]))
  const servers = new Map<Contestant, RunningServer>()
  const progress = startProgress(all.length * (1 + times.warmUp + rounds * times.seconds))
  try {
    for (const contestant of all) {
      const server = await startServer(contestant.side, contestant.case.setup)
      servers.set(contestant, server)
      await loadOf(contestant.case)(server, times.connections, times.warmUp)
      progress.done(1 + times.warmUp, `${nameOf(contestant)} runs`)
    }
    for (let round = 0; round < rounds; round += 1) {
      for (const contestant of rotated(all, round))
        results
          .get(contestant)
          ?.push(await loadOf(contestant.case)(servers.get(contestant)!, times.connections, times.seconds))
      progress.done(all.length * times.seconds, `round ${round + 1}`)
    }
  } finally {
    await Promise.all(Array.from(servers.values(), server => server.stop()))
  }
  return [...results]
}

/** Each relative to the first one: the ratio within a round, and what that is in microseconds. */
export function pairedTable(results: PairedResults): string {
  const cpuOf = (all: readonly Figures[]) => all.map(({ cpu }) => cpu)
  const first = cpuOf(results[0]?.[1] ?? [])
  const base = median(first.flatMap(cpu => cpu ?? []))
  const rows = results.map(([contestant, all]) => {
    const cpu = cpuOf(all)
    const relative = ratios(cpu, first)
    return [
      nameOf(contestant),
      spread(
        cpu.flatMap(value => value ?? []),
        1,
      ),
      spread(relative, 3),
      ((median(relative) - 1) * base).toFixed(1),
      `${all.reduce((total, { failed = 0 }) => total + failed, 0)}`,
    ]
  })
  return markdownTable(['', 'CPU, µs/request', 'ratio to the first', 'difference, µs', 'failed'], rows)
}

/** Throws if the case has no load. */
export function loadOf(theCase: Case): LoadCase['load'] {
  if ('load' in theCase) return theCase.load as LoadCase['load']
  throw new Error(`"${theCase.title}" is no load: leave it out with --paired`)
}

function nameOf({ side, case: { title } }: Contestant): string {
  return `${side.title}, ${title}`
}
