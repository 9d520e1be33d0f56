/** What workers count together never goes back. */
import { expect } from 'chai'
import fc from 'fast-check'
import { atOnce } from '../../../daemon/system/steps.ts'
import { type Counts, Totals } from '../../../daemon/workers/totals.ts'
import { countedFields, type ScoreRecord } from '../../../worker/protocol/scoreboard.ts'

const recordOf = (value: number) =>
  Object.fromEntries(countedFields.map(field => [field, value])) as unknown as ScoreRecord

function sum(totals: Totals, records: Iterable<readonly [number, ScoreRecord]> = []): Counts {
  return atOnce(totals.sum(new Map(records)))
}

describe('totals', () => {
  it('add up living and ended workers, and what was inherited', () => {
    const totals = new Totals()
    sum(totals, [
      [1, recordOf(5)],
      [2, recordOf(7)],
    ])
    totals.end(1, recordOf(6))
    // Only the last one counts.
    totals.inherit(recordOf(90) as unknown as Counts)
    totals.inherit(recordOf(100) as unknown as Counts)
    expect(sum(totals, [[2, recordOf(8)]]).responses_2).to.equal(114)
  })

  it('keep what a worker said last, if its record is lost', () => {
    const totals = new Totals()
    sum(totals, [[1, recordOf(5)]])
    totals.end(1, undefined)
    expect(sum(totals).took_ms).to.equal(5)
  })

  it('count a worker once that ends while they are added up', () => {
    const totals = new Totals()
    const work = totals.sum(
      new Map([
        [1, recordOf(5)],
        [2, recordOf(7)],
      ]),
    )
    work.next()
    totals.end(2, recordOf(8))
    expect(atOnce(work).responses_2).to.equal(13)
    expect(sum(totals).responses_2).to.equal(13)
  })

  it('never go back, whatever workers write, in which order they come and go', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('read'), age: fc.nat(3), value: fc.nat(1_000) }),
      fc.record({
        do: fc.constant('end'),
        age: fc.nat(3),
        value: fc.option(fc.nat(1_000), { nil: undefined }),
      }),
    )
    fc.assert(
      fc.property(fc.array(step), steps => {
        const totals = new Totals()
        let [before, base] = [0, 0]
        for (const { do: what, age, value } of steps) {
          // The age of a worker that has ended is not used again.
          const unique = base * 4 + age
          if (what === 'end') {
            totals.end(unique, value === undefined ? undefined : recordOf(value))
            base += 1
          }
          const records = what === 'read' ? new Map([[unique, recordOf(value ?? 0)]]) : new Map()
          const now = sum(totals, records).responses_2
          expect(now).to.be.at.least(before)
          before = now
        }
      }),
    )
  })
})
