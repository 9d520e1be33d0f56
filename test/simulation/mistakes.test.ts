/** Whether a thousand lives of the arbiter would find mistakes. */

import { expect } from 'chai'
import { mistakes } from './mistakes.ts'
import { limitMs, lives, simulate } from './simulate.ts'

describe('the simulation', function () {
  this.timeout(limitMs)

  // The arbiter without mistakes passes all of these lives, as its own test says.
  for (const { name, seed } of mistakes) {
    it(`finds an arbiter that ${name}`, async () => {
      const left = lives + 1 - seed
      const said = await simulate(['--seed', `${seed}`, '--lives', `${left}`, '--most', '1'], name)
      expect(said).to.match(/, 1 broke a rule/)
    })
  }
})
