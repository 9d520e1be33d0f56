/** A thousand lives of the arbiter on a simulated machine. */
import { expect } from 'chai'
import { limitMs, lives, simulate } from './simulate.ts'

describe('the simulation', function () {
  this.timeout(limitMs)

  it('of a thousand lives breaks no rule', async () => {
    expect(await simulate(['--lives', `${lives}`])).to.match(/1000 lives of .* 0 broke a rule/)
  })

  it('of one life is the same each time', async () => {
    const [first, second] = [
      await simulate(['--lives', '1', '--story']),
      await simulate(['--lives', '1', '--story']),
    ]
    expect(first.length).to.be.above(500)
    // The last line says how long it took.
    expect(first.replace(/in [\d.]+ s,/, '')).to.equal(second.replace(/in [\d.]+ s,/, ''))
  })
})
