/** A day of traffic, made from a seed, and how autoscaling follows it: for tests, and for the chart in the documentation. */
import { judge, newHistory, type ScaleLimits } from '../../../daemon/state/autoscale.ts'
import { createRandom } from '../../loss/client/random.ts'

/** How long a worker takes until it serves, in seconds. */
const bootSeconds = 3

export interface Moment {
  /** The load, in workers that it keeps busy. */
  readonly demand: number
  readonly serving: number
}

/** The demand in each second: low at night, two peaks, noise, and a few sudden bursts. */
export function dayOf(seed: number): readonly number[] {
  const random = createRandom(seed)
  const bursts = Array.from({ length: 5 }, () => ({
    at: random() * 86_400,
    lasts: 60 + random() * 900,
    load: 2 + random() * 4,
  }))
  let noise = 0
  return Array.from({ length: 86_400 }, (_, second) => {
    const hour = second / 3_600
    const peak = (at: number, width: number) => Math.exp(-(((hour - at) / width) ** 2))
    noise += (random() - 0.5) * 0.1 - noise * 0.01
    const burst = bursts.reduce(
      (sum, { at, lasts, load }) => sum + (second >= at && second < at + lasts ? load : 0),
      0,
    )
    return Math.max(0, 0.4 + 3.5 * peak(11, 2.5) + 5 * peak(19.5, 2) + noise + burst)
  })
}

export function liveDay(
  demands: readonly number[],
  limits: ScaleLimits,
): { readonly moments: readonly Moment[]; readonly changes: number } {
  let history = newHistory(0)
  let wanted = limits.min
  let changes = 0
  /** When those that boot will serve, in seconds. */
  let boots: number[] = []
  const moments = demands.map((demand, second) => {
    boots = boots.filter(at => at > second)
    const serving = wanted - boots.length
    const busy = Math.min(1, demand / serving)
    const queued = demand > serving ? Math.ceil((demand - serving) * 20) : 0
    const judged = judge(history, { now: second * 1_000, serving, busy, queued, memory: 0 }, wanted, limits)
    history = judged.history
    if (judged.wanted !== wanted) changes += 1
    for (let more = wanted; more < judged.wanted; more += 1) boots.push(second + bootSeconds)
    wanted = judged.wanted
    return { demand, serving }
  })
  return { moments, changes }
}
