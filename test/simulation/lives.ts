/** Many lives, one after the other; of one that breaks a rule, the shortest that breaks the same one. */
import { type Fate, fateOf } from './fate.ts'
import { live, type Outcome } from './life.ts'

export interface Found {
  readonly seed: number
  readonly outcome: Outcome
}

export interface Lives {
  readonly count: number
  /** Of the simulated clocks. */
  readonly hours: number
  readonly served: number
  readonly found: readonly Found[]
}

/** Stops when so many lives have broken a rule. */
export async function liveAll(
  first: number,
  count: number,
  most: number,
  tell: (lived: number, found: Found | undefined) => void,
): Promise<Lives> {
  const found: Found[] = []
  let hours = 0
  let served = 0
  let lived = 0
  for (let seed = first; seed < first + count && found.length < most; seed += 1) {
    const outcome = await live(fateOf(seed))
    lived += 1
    hours += outcome.lasted / 3_600_000
    served += outcome.served
    const broken = outcome.violation === undefined ? undefined : { seed, outcome }
    if (broken !== undefined) found.push(broken)
    if (broken !== undefined || lived % 100 === 0) tell(lived, broken)
  }
  return { count: lived, hours, served, found }
}

/** Leaves out whatever happens without which the same rule is broken all the same; of a good life, nothing. */
export async function shrink(seed: number): Promise<Outcome> {
  let fate: Fate = fateOf(seed)
  let outcome = await live(fate)
  const rule = outcome.violation?.rule
  if (rule === undefined) return outcome
  for (let place = fate.events.length - 1; place >= 0; place -= 1) {
    const shorter = { ...fate, events: fate.events.filter((_, index) => index !== place) }
    const tried = await live(shorter)
    if (tried.violation?.rule !== rule) continue
    fate = shorter
    outcome = tried
  }
  return outcome
}
