/** Signals that change nothing, and why. */
import { expect } from 'chai'
import { mostWorkers } from '../../../config/kinds/kinds.ts'
import type { Resolved } from '../../../config/resolve/resolve.ts'
import { describeNoEffect } from '../../../daemon/process/no-effect.ts'
import { grow, scaleOf, shrink } from '../../../daemon/state/scale.ts'

const resolved = { settings: { errorlog: null, accesslog: null, logger_class: null } } as unknown as Resolved

describe('a signal without an effect', () => {
  it('is TTIN where no more workers are possible, and TTOU where fewer are not', () => {
    const most = scaleOf({ min: mostWorkers, max: mostWorkers })
    expect(describeNoEffect('TTIN', most, grow(most, mostWorkers), resolved)).to.equal(
      'TTIN has no effect: 4096 workers are the most',
    )
    expect(describeNoEffect('TTIN', shrink(most), most, resolved)).to.equal(undefined)
    const least = scaleOf({ min: 1, max: 1 })
    expect(describeNoEffect('TTOU', least, shrink(least), resolved)).to.match(/one worker is the least/)
  })
})
