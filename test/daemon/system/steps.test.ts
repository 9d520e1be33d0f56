/** Long work in short turns. */
import { expect } from 'chai'
import { atOnce, inTurns, type Steps } from '../../../daemon/system/steps.ts'
import { mostPerTurn } from '../most-per-turn.ts'

/** Each step takes longer than a turn may. */
function* slow(steps: number): Steps<string> {
  for (let step = 0; step < steps; step += 1) {
    const end = performance.now() + 2
    while (performance.now() < end);
    yield
  }
  return 'done'
}

describe('work in steps', () => {
  it('lets others work in between', async () => {
    let others = 0
    const timer = setInterval(() => {
      others += 1
    })
    const immediate = () => {
      others += 1
      next = setImmediate(immediate)
    }
    let next = setImmediate(immediate)
    expect(await inTurns(slow(20))).to.equal('done')
    clearInterval(timer)
    clearImmediate(next)
    expect(others).to.be.least(19)
  })

  it('shares a turn with other work: several are no longer than one', async () => {
    let steps = 0
    const counted = function* (): Steps<void> {
      for (const _ of slow(5)) {
        steps += 1
        yield
      }
    }
    const all = Promise.all(Array.from({ length: 8 }, () => inTurns(counted())))
    expect(await mostPerTurn(() => steps, all)).to.equal(1)
  })

  it('is done in one turn where that is wanted, also if it has begun', async () => {
    const work = slow(3)
    const begun = inTurns(work)
    expect(atOnce(work)).to.equal('done')
    expect(await begun).to.equal(undefined)
    expect(atOnce(slow(1))).to.equal('done')
  })

  it('fails as its step does', async () => {
    const failing = function* (): Steps<void> {
      yield
      throw new Error('broken')
    }
    const error = await inTurns(failing()).catch((thrown: Error) => thrown)
    expect(error).to.have.property('message', 'broken')
  })
})
