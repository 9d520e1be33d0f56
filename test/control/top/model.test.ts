/** What two answers of a server say about what it does. */
import { expect } from 'chai'
import { loadsOf, nextSorting, sorted, totalsOf, withAnswer } from '../../../control/top/model.ts'
import { answer, worker } from './answers.ts'

describe('the load of a worker', () => {
  const first = answer(10, [worker(1, 10, { requests: 100, cpu_ms: 1_000 })])

  it('has its rates from the difference between two answers', () => {
    const second = answer(12, [worker(1, 12, { requests: 150, cpu_ms: 2_000 })])
    expect(loadsOf([first, second])[0]).to.include({ rate: 25, cpu: 0.5 })
  })

  it('counts the time between the records, not between the answers', () => {
    const second = answer(12, [worker(1, 12, { requests: 150, last_heartbeat: 1 })])
    expect(loadsOf([first, second])[0]?.rate).to.equal(50)
  })

  for (const [what, later] of [
    ['is new', worker(2, 1, { requests: 5_000 })],
    ['has another process', worker(1, 12, { pid: 7, requests: 5_000 })],
    ['counts less than before', worker(1, 12, { requests: 3, cpu_ms: 3 })],
    ['has written nothing since', worker(1, 12, { requests: 5_000, last_heartbeat: 2 })],
  ] as const) {
    it(`has no rates if it ${what}`, () => {
      expect(loadsOf([first, answer(12, [later])])[0]).to.include({ rate: null, cpu: null })
    })
  }

  it('has no rates after the first answer', () => {
    expect(loadsOf([first])[0]).to.include({ rate: null, cpu: null })
    expect(loadsOf([])).to.deep.equal([])
  })

  it('has the times of its latest responses only', () => {
    const slow = worker(1, 10, {
      responses_by_duration: [
        [1, 0],
        [500, 1_000],
      ],
    })
    const fast = worker(1, 11, {
      responses_by_duration: [
        [1, 100],
        [500, 1_001],
      ],
    })
    expect(loadsOf([answer(10, [slow])])[0]).to.include({ p50: 500, p99: 500 })
    expect(loadsOf([answer(10, [slow]), answer(11, [fast])])[0]).to.include({ p50: 1, p99: 1 })
  })

  it('says how long a loop has stood still that cannot say it', () => {
    expect(loadsOf([answer(10, [worker(1, 10, { last_heartbeat: 7, delay_ms: 1 })])])[0]?.delay).to.equal(
      7_000,
    )
  })
})

describe('the load of all workers', () => {
  it('adds up what is known', () => {
    const [before, now] = [
      answer(10, [worker(1, 10), worker(2, 10)]),
      answer(11, [
        worker(1, 11, {
          requests: 10,
          connections: 2,
          in_flight: 1,
          responses_by_duration: [
            [1, 99],
            [5, 0],
          ],
        }),
        worker(3, 0.5, {
          requests: 40,
          connections: 3,
          responses_by_duration: [
            [1, 0],
            [5, 2],
          ],
        }),
      ]),
    ]
    expect(totalsOf([before, now])).to.deep.equal({
      ...{ rate: 10, cpu: 0, p50: 1, p99: 5, inFlight: 1, connections: 5, memory: 2 ** 27, waiting: 2 },
    })
  })

  it('is unknown without workers that are known', () => {
    expect(totalsOf([answer(1, [worker(1, 1)])])).to.include({ rate: null, cpu: null, p50: null })
    expect(totalsOf([answer(1, [])])).to.include({ rate: null, memory: 0 })
  })
})

describe('the answers that are kept', () => {
  it('are those of the last ten seconds, and one to compare with', () => {
    const all = [0, 5, 9, 12].map(uptime => answer(uptime, [])).reduce(withAnswer, [])
    expect(all.map(({ arbiter }) => arbiter.uptime)).to.deep.equal([5, 9, 12])
    expect(withAnswer(all, answer(99, [])).map(({ arbiter }) => arbiter.uptime)).to.deep.equal([12, 99])
  })

  it('are none of another arbiter', () => {
    const next = answer(50, [], { pid: 901 })
    expect(withAnswer([answer(49, [])], next)).to.deep.equal([next])
  })
})

describe('sorting', () => {
  const loads = loadsOf([answer(5, [worker(3, 5), worker(1, 5, { in_flight: 2 }), worker(2, 5, { rss: 1 })])])
  const ages = (by: Parameters<typeof sorted>[1]) => sorted(loads, by).map(load => load.worker.age)

  it('puts the oldest first, or those with the most, and what is unknown last', () => {
    expect(ages('age')).to.deep.equal([1, 2, 3])
    expect(ages('in flight')).to.deep.equal([1, 2, 3])
    expect(ages('memory')).to.deep.equal([1, 3, 2])
    expect(ages('CPU')).to.deep.equal([1, 2, 3])
  })

  it('goes round', () => {
    expect(nextSorting('age')).to.equal('requests/s')
    expect(nextSorting('memory')).to.equal('age')
  })
})
