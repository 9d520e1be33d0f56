/**
 * Loads all servers in short turns while all of them run, so that what else the machine does meets them alike. A turn is a
 * number of requests: where there is little time for each, what they cost has to be divided by as many of them.
 */
import type { Case } from './cases/case.ts'
import type { Figures } from './cases/figures.ts'
import type { LoadCase } from './cases/load-case.ts'
import { type Contestant, contestants, type Run } from './compare.ts'
import { markdownTable } from './report/markdown.ts'
import { startProgress } from './report/progress.ts'
import { median, ratios, rotated, spread } from './report/statistics.ts'
import { type RunningServer, startServer } from './sides/server.ts'

export type PairedResults = readonly (readonly [Contestant, readonly Figures[]])[]

export interface PairedRun extends Pick<Run, 'sides' | 'cases' | 'rounds'> {
  readonly connections: number
  /** Of each turn, and to warm a server up. */
  readonly requests: number
  readonly warmUpRequests: number
}

/** How many requests take a second, about. */
const pace = 10_000

export async function comparePaired(run: PairedRun): Promise<PairedResults> {
  const { rounds, connections, requests, warmUpRequests } = run
  const [start, turn] = [1 + warmUpRequests / pace, requests / pace]
  const all = contestants(run)
  const results = new Map<Contestant, Figures[]>(all.map(contestant => [contestant, []]))
  const servers = new Map<Contestant, RunningServer>()
  const progress = startProgress(all.length * (start + rounds * turn))
  try {
    for (const contestant of all) {
      const server = await startServer(contestant.side, contestant.case.setup)
      servers.set(contestant, server)
      await loadOf(contestant.case)(server, connections, { requests: warmUpRequests })
      progress.done(start, `${nameOf(contestant)} runs`)
    }
    for (let round = 0; round < rounds; round += 1) {
      for (const contestant of rotated(all, round))
        results
          .get(contestant)
          ?.push(await loadOf(contestant.case)(servers.get(contestant)!, connections, { requests }))
      progress.done(all.length * turn, `round ${round + 1}`)
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
