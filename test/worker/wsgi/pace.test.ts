/** How many requests Python gets ahead follows what it answers. */
import { expect } from 'chai'
import { Pace } from '../../../worker/wsgi/pace.ts'

/** After a second of answers with so many milliseconds between them. */
function aheadAfter(every: number, pace = new Pace(0), from = 0): number {
  for (let now = every; now <= 1_000; now += every) pace.answered(from + now)
  return pace.ahead
}

describe('Pace', () => {
  it('gives as many requests ahead as are answered in 50 ms, within bounds', () => {
    expect(new Pace(0).ahead).to.equal(8)
    expect(aheadAfter(200)).to.equal(8)
    expect(aheadAfter(2)).to.equal(25)
    expect(aheadAfter(0.1)).to.equal(64)
  })

  it('goes back when answers become slow', () => {
    const pace = new Pace(0)
    aheadAfter(0.5, pace)
    expect(pace.ahead).to.equal(64)
    expect(aheadAfter(100, pace, 1_000)).to.equal(8)
  })
})
