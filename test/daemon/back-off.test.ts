import { expect } from 'chai'
import fc from 'fast-check'
import { extend, noStreak, type Streak } from '../../daemon/back-off.ts'

function streakOf(deaths: number, random = 0): Streak {
  let streak = noStreak
  for (let death = 0; death < deaths; death += 1) streak = extend(streak, 0, [], random)
  return streak
}

describe('back-off', () => {
  it('answers the first death at once, and the next ones after pauses that grow by half', () => {
    const pauses = [1, 2, 3, 4].map(deaths => streakOf(deaths).until)
    expect(pauses).to.deep.equal([0, 1_000, 1_500, 2_250])
  })

  it('never waits longer than thirty seconds, whatever happens', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (deaths, random) => {
          expect(streakOf(deaths, random).until).to.be.within(0, 30_000)
        },
      ),
    )
  })

  it('starts anew after a worker that lived for thirty seconds', () => {
    const streak = extend(noStreak, 1_000, [], 0)
    const recovered = extend(streak, 40_000, [5_000], 0)
    expect(recovered).to.deep.equal({ deaths: 1, since: 40_000, until: 40_000 })
  })

  it('is not ended by siblings that lived before it began', () => {
    const streak = extend(noStreak, 100_000, [1_000], 0)
    expect(extend(streak, 140_000, [1_000], 0).deaths).to.equal(2)
  })
})
