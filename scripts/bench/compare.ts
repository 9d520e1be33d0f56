/** Measures every side in every case, each with a server of its own, in rounds. */
import type { Case, Times } from './cases/case.ts'
import type { Figures } from './cases/figures.ts'
import { startProgress } from './report/progress.ts'
import type { Results } from './report/results.ts'
import { rotated } from './report/statistics.ts'
import { canServe } from './sides/server.ts'
import type { Side } from './sides/setup.ts'

export type Chosen<Kind> = ReadonlyMap<string, Kind>

export interface Run {
  readonly sides: Chosen<Side>
  readonly cases: Chosen<Case>
  readonly rounds: number
  readonly times: Times
}

/** One side in one case. */
export interface Contestant {
  readonly side: Side
  readonly case: Case
  readonly names: readonly [side: string, theCase: string]
}

/** All sides that have a case, case by case. */
export function contestants({ sides, cases }: Pick<Run, 'sides' | 'cases'>): Contestant[] {
  return Array.from(cases, ([name, theCase]) =>
    Array.from(sides, ([sideName, side]) => ({
      side,
      case: theCase,
      names: [sideName, name] as const,
    })).filter(({ side }) => canServe(side, theCase.setup) && (theCase.suits?.(side) ?? true)),
  ).flat()
}

export async function compare(run: Run): Promise<Results> {
  const all = contestants(run)
  const results = new Map<string, Figures[]>(all.map(({ names }) => [names.join(' '), []]))
  const lasts = (some: readonly Contestant[]) =>
    some.reduce((total, contestant) => total + contestant.case.lasts(run.times), 0)
  const progress = startProgress(lasts(all) * run.rounds)
  for (let round = 0; round < run.rounds; round += 1)
    for (const theCase of run.cases.values())
      for (const contestant of rotated(
        all.filter(one => one.case === theCase),
        round,
      )) {
        const measured = await measure(contestant, run.times)
        results.get(contestant.names.join(' '))?.push(measured)
        const what = `round ${round + 1}, ${contestant.case.title}, ${contestant.side.title}`
        progress.done(contestant.case.lasts(run.times), `${what}: ${describe(measured)}`)
      }
  return {
    sides: [...run.sides.keys()],
    cases: [...run.cases.keys()],
    of: (side, theCase) => results.get(`${side} ${theCase}`),
  }
}

/** A side that fails once does not end a run of an hour: its figures are missing in this round. */
async function measure({ side, case: theCase }: Contestant, times: Times): Promise<Figures> {
  try {
    return await theCase.measure(side, times)
  } catch (error) {
    console.error((error as Error).message.slice(0, 1_000))
    return {}
  }
}

function describe(figures: Figures): string {
  const entries = Object.entries(figures).map(([name, value]) => `${name} ${Number(value.toFixed(2))}`)
  return entries.length === 0 ? 'nothing' : entries.join(', ')
}
