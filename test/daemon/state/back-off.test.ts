/** How long the arbiter waits after workers that died young, and what ends the waiting. */
import { expect } from 'chai'
import fc from 'fast-check'
import {
  extend,
  nextStart,
  noStreak,
  paced,
  type Streak,
  type Survivor,
} from '../../../daemon/state/back-off.ts'

function streakOf(earlyExits: number, random = 0): Streak {
  let streak = noStreak
  for (let death = 0; death < earlyExits; death += 1) streak = extend(streak, 0, [], random)
  return streak
}

const survivor = (born: number, more: Partial<Survivor> = {}): Survivor => {
  return { born, isReady: true, served: false, ...more }
}

describe('back-off', () => {
  it('answers the first young death at once, and the next ones after pauses that grow by half', () => {
    const pauses = [1, 2, 3, 4].map(earlyExits => streakOf(earlyExits).until)
    expect(pauses).to.deep.equal([0, 1_000, 1_500, 2_250])
  })

  const earlyExits = fc.integer({ min: 1, max: 200 })
  const random = fc.double({ min: 0, max: 1, noNaN: true })

  it('never waits longer than thirty seconds while somebody serves, whatever happens', () => {
    fc.assert(
      fc.property(earlyExits, random, (number, chance) => {
        expect(nextStart(streakOf(number, chance), true)).to.be.within(0, 30_000)
      }),
    )
  })

  it('never leaves the service without a worker on its way for longer than two seconds', () => {
    fc.assert(
      fc.property(earlyExits, random, (number, chance) => {
        expect(nextStart(streakOf(number, chance), false)).to.be.within(0, 2_000)
      }),
    )
  })

  it('starts again after a worker that was ready and lived for thirty seconds', () => {
    const streak = extend(noStreak, 1_000, [], 0)
    const recovered = extend(streak, 40_000, [survivor(5_000)], 0)
    expect(recovered).to.deep.equal({ earlyExits: 1, since: 40_000, last: 40_000, until: 40_000 })
    expect(extend(streak, 40_000, [survivor(5_000, { isReady: false })], 0).earlyExits).to.equal(2)
  })

  it('starts again after a worker that served, however short its life', () => {
    const streak = extend(noStreak, 1_000, [], 0)
    expect(extend(streak, 2_000, [survivor(1_500, { served: true })], 0).earlyExits).to.equal(1)
  })

  it('is not ended by siblings that lived before it began', () => {
    const streak = extend(noStreak, 100_000, [survivor(1_000, { served: true })], 0)
    expect(extend(streak, 140_000, [survivor(1_000, { served: true })], 0).earlyExits).to.equal(2)
  })

  it('replaces a worker that served at once, but starts no more than one a second in its place', () => {
    const age = fc.integer({ min: 0, max: 1_000_000 })
    fc.assert(
      fc.property(age, age, fc.boolean(), (born, lived, isServing) => {
        const now = born + lived
        const start = Math.max(now, nextStart(paced(now, born), isServing))
        expect(start - born).to.equal(Math.max(lived, 1_000))
      }),
    )
  })
})
