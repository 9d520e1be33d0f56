/** How many workers the load needs: over simulated hours, and for whatever is measured. */
import { expect } from 'chai'
import { judge, type LoadSample, newHistory, type ScaleLimits } from '../../../daemon/state/autoscale.ts'
import { createRandom } from '../../loss/client/random.ts'
import { dayOf, liveDay } from './traffic.ts'

const limits: ScaleLimits = { min: 2, max: 16, memory: 0 }
const seconds = 1_000
const gigabyte = 1024 ** 3

/** Runs for so many seconds; `demand` is the load in workers that it keeps busy. Returns the numbers that it went through. */
function run(
  demand: (second: number) => number,
  lasts: number,
  { workers = limits.min, within = limits, sample = (_: number): Partial<LoadSample> => ({}) } = {},
): { readonly wanted: number[]; readonly reasons: string[] } {
  let history = newHistory(0)
  const wanted = [workers]
  const reasons: string[] = []
  for (let second = 1; second <= lasts; second += 1) {
    const serving = wanted.at(-1) as number
    const busy = Math.min(1, demand(second) / serving)
    const measured = { now: second * seconds, serving, busy, queued: 0, memory: 0, ...sample(serving) }
    const judged = judge(history, measured, serving, within)
    history = judged.history
    if (judged.wanted !== serving) wanted.push(judged.wanted)
    if (judged.why !== undefined) reasons.push(judged.why)
  }
  return { wanted, reasons }
}

describe('autoscaling', () => {
  it('leaves the number alone while the load suits it', () => {
    expect(run(() => 1.2, 3_600).wanted).to.deep.equal([2])
  })

  it('has enough workers within seconds when the load rises', () => {
    const { wanted, reasons } = run(() => 6, 30)
    expect(wanted.at(-1)).to.be.within(8, 12)
    expect(reasons[0]).to.match(/^they are busy \d+ % of the time$/)
  })

  it('grows for a queue that lasts, however idle the workers seem', () => {
    const { wanted, reasons } = run(() => 0.1, 10, { sample: () => ({ queued: 40 }) })
    expect(wanted.length).to.be.greaterThan(1)
    expect(reasons[0]).to.equal('40 connections wait to be accepted')
    expect(run(() => 0.1, 2, { sample: () => ({ queued: 40 }) }).wanted).to.deep.equal([2])
  })

  it('sends workers away one by one after minutes of calm', () => {
    expect(run(() => 0.5, 119, { workers: 6 }).wanted).to.deep.equal([6])
    expect(run(() => 0.5, 600, { workers: 6 }).wanted).to.deep.equal([6, 5, 4, 3, 2])
  })

  it('settles, whatever the steady load is', () => {
    for (let demand = 0; demand <= 20; demand += 0.25) {
      const { wanted } = run(() => demand, 7_200)
      const last = wanted.at(-1) as number
      expect(wanted, `demand ${demand}`).to.deep.equal(
        [...wanted].sort((a, b) => a - b),
        'it only grows',
      )
      expect(last).to.be.within(limits.min, limits.max)
      if (last < limits.max) expect(demand / last, `demand ${demand}`).to.be.at.most(0.75)
    }
  })

  it('is slower to send workers away after each time that this was a mistake', () => {
    // Every five minutes, a minute of load that needs six workers.
    const { wanted } = run(second => (second % 300 < 60 ? 3.5 : 0.5), 6 * 3_600)
    const changesInTheFirst = run(second => (second % 300 < 60 ? 3.5 : 0.5), 3_600).wanted.length
    expect(wanted.length).to.be.below(3 * changesInTheFirst)
  })

  it('starts no worker for which there is no memory, and sends one away if there are too many', () => {
    const within = { ...limits, memory: gigabyte }
    const sample = (serving: number) => ({ memory: (serving * gigabyte) / 4 })
    expect(run(() => 10, 600, { within, sample }).wanted.at(-1)).to.equal(4)
    const { wanted, reasons } = run(() => 10, 600, { within, sample, workers: 6 })
    expect(wanted).to.deep.equal([6, 5, 4])
    expect(reasons[0]).to.equal('all workers together have 1536 MiB, more than max_total_memory')
    const huge = () => ({ memory: 10 * gigabyte })
    expect(run(() => 10, 600, { within, sample: huge }).wanted).to.deep.equal([2])
  })

  it('waits until the workers that it wanted serve', () => {
    const sample = (serving: number) => ({ serving: serving - 1 })
    expect(run(() => 10, 600, { sample }).wanted).to.deep.equal([2])
  })

  it('stays within its limits and in proportion, whatever is measured', () => {
    const random = createRandom(7)
    for (let life = 0; life < 100; life += 1) {
      const within = { min: 1 + Math.floor(random() * 4), max: 4 + Math.floor(random() * 60), memory: 0 }
      const range = random() < 0.5 ? within : { ...within, memory: gigabyte * random() }
      let history = newHistory(0)
      let wanted = range.min
      let now = 0
      for (let step = 0; step < 500; step += 1) {
        // The clock may stand still, or the machine sleep for hours.
        now += random() < 0.05 ? random() * 1e7 : random() * 2_000
        const serving = Math.floor(random() * (wanted + 3))
        const memory = serving * gigabyte * random()
        const queued = random() < 0.3 ? Math.floor(random() * 100) : 0
        const judged = judge(history, { now, serving, busy: random(), queued, memory }, wanted, range)
        const isWithin =
          judged.wanted >= Math.max(range.min, wanted - 1) && judged.wanted <= Math.min(range.max, 2 * wanted)
        const isExplained = (judged.why === undefined) === (judged.wanted === wanted)
        const isSane = Number.isFinite(judged.history.fast) && Number.isFinite(judged.history.slow)
        if (!isWithin || !isExplained || !isSane)
          expect.fail(`life ${life}, step ${step}: ${JSON.stringify({ wanted, range, judged })}`)
        history = judged.history
        wanted = judged.wanted
      }
    }
  })

  it('leaves a number outside of its limits, which an operator has set, to the load', () => {
    expect(run(() => 12, 60, { workers: 20 }).wanted).to.deep.equal([20])
    expect(run(() => 0.6, 3_600, { workers: 1 }).wanted).to.deep.equal([1])
    expect(run(() => 2, 60, { workers: 1 }).wanted.at(-1)).to.be.at.least(limits.min)
  })

  it('follows a day of traffic with few changes, few too many workers, and few moments of overload', () => {
    const { moments, changes } = liveDay(dayOf(1), limits)
    const overload = moments.filter(({ demand, serving }) => demand > serving).length / moments.length
    const used = moments.reduce((sum, { demand }) => sum + demand, 0)
    const paid = moments.reduce((sum, { serving }) => sum + serving, 0)
    expect(overload).to.be.below(0.005)
    expect(used / paid).to.be.above(0.4)
    expect(changes).to.be.below(100)
  })
})
