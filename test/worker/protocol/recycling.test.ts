/** When a worker has had enough, by requests, lifetime or memory, each worker at a time of its own. */
import { expect } from 'chai'
import { createRecycling } from '../../../worker/protocol/recycling.ts'
import { fieldIndex, newRecord, type RecordField } from '../../../worker/protocol/scoreboard.ts'

const off = {
  max_requests: 0,
  max_requests_jitter: 0,
  max_worker_rss: 0,
  max_worker_lifetime: 0,
  max_worker_lifetime_jitter: 0,
}

function recordOf(fields: Partial<Record<RecordField, number>>): Float64Array {
  const record = newRecord()
  for (const [field, value] of Object.entries(fields)) record[fieldIndex(field as RecordField)] = value
  return record
}

describe('recycling', () => {
  it('never happens without a limit', () => {
    const check = createRecycling(off)
    expect(check(recordOf({ responses_2: 1e9, rss: 1e12 }), 1e9)).to.equal(undefined)
  })

  it('counts responses of all classes, and those whose clients left', () => {
    const check = createRecycling({ ...off, max_requests: 6 })
    const record = recordOf({
      responses_0: 1,
      responses_1: 1,
      responses_2: 1,
      responses_3: 1,
      responses_4: 1,
    })
    expect(check(record, 1)).to.equal(undefined)
    record[fieldIndex('responses_5')] = 1
    expect(check(record, 1)).to.equal('max_requests: 6 requests')
  })

  it('adds a jitter from 0 to max_requests_jitter', () => {
    const limits = { ...off, max_requests: 10, max_requests_jitter: 5 }
    const least = createRecycling(limits, () => 0)
    expect(least(recordOf({ responses_2: 9 }), 1)).to.equal(undefined)
    expect(least(recordOf({ responses_2: 10 }), 1)).to.be.a('string')
    const most = createRecycling(limits, () => 0.999)
    expect(most(recordOf({ responses_2: 14 }), 1)).to.equal(undefined)
    expect(most(recordOf({ responses_2: 15 }), 1)).to.be.a('string')
  })

  it('happens at the end of a lifetime, with its jitter', () => {
    const limits = { ...off, max_worker_lifetime: 60, max_worker_lifetime_jitter: 10 }
    const check = createRecycling(limits, () => 0.5)
    expect(check(newRecord(), 64.9)).to.equal(undefined)
    expect(check(newRecord(), 65)).to.equal('max_worker_lifetime: 65 s')
  })

  it('draws each jitter once', () => {
    let draws = 0
    const check = createRecycling(off, () => {
      draws += 1
      return 0
    })
    for (let second = 0; second < 5; second += 1) check(newRecord(), second)
    expect(draws).to.equal(2)
  })

  it('happens when three samples in a row exceed the memory', () => {
    const check = createRecycling({ ...off, max_worker_rss: 100 })
    const over = recordOf({ rss: 101 })
    const under = recordOf({ rss: 100 })
    const results = [over, over, under, over, over, over].map(record => check(record, 1))
    expect(results.slice(0, 5)).to.deep.equal(Array(5).fill(undefined))
    expect(results[5]).to.equal('max_worker_rss: 101 bytes')
  })
})
