/** From answers to what the charts show. */
import { expect } from 'chai'
import {
  generationLines,
  type History,
  noHistory,
  stacked,
  timesOf,
  totalLine,
  withPoint,
  workerLines,
} from '../../page/history.ts'
import { answer, worker } from '../control/top/answers.ts'

const buckets = [[5, 10] as const]

function askedAt(...seconds: readonly number[]): History {
  return seconds.reduce<History>(
    (history, second) =>
      withPoint(
        history,
        answer(second, [worker(1, second, { requests: second * 20, responses_by_duration: buckets })]),
        1_000 + second,
      ),
    noHistory,
  )
}

describe('the charts of the status page', () => {
  it('show the rates of tsicornc top', () => {
    const history = askedAt(1, 2, 3)
    expect(timesOf(history)).to.deep.equal([1_001, 1_002, 1_003])
    expect(totalLine(history, 'requests', ({ rate }) => rate).values).to.deep.equal([null, 20, 20])
  })

  it('have a gap where there was no answer', () => {
    const history = askedAt(1, 2, 30)
    expect(timesOf(history)).to.deep.equal([1_001, 1_002, 1_002.5, 1_030])
    expect(totalLine(history, 'memory', ({ memory }) => memory).values[2]).to.equal(null)
  })

  it('go back ten minutes and no further', () => {
    expect(timesOf(askedAt(1, 2, 100, 610))).to.deep.equal([1_100, 1_100.5, 1_610])
    expect(timesOf(askedAt(1, 2, 700))).to.deep.equal([1_700])
  })

  it('show a worker by its index, and of two the younger one', () => {
    const history = withPoint(
      noHistory,
      answer(9, [worker(3, 1, { index: 0, rss: 30 }), worker(1, 9, { rss: 10 }), worker(2, 9, { rss: 20 })]),
      1,
    )
    expect(workerLines(history, ({ worker: { rss } }) => rss)).to.deep.equal([
      { label: '#0', values: [30] },
      { label: '#1', values: [20] },
    ])
  })

  it('show three lines where there are too many workers to tell apart', () => {
    const workers = Array.from({ length: 9 }, (_, at) => worker(at + 1, 9, { rss: 9 - at }))
    const lines = workerLines(withPoint(noHistory, answer(9, workers), 1), ({ worker: { rss } }) => rss)
    expect(lines.map(({ label, values }) => [label, values[0]])).to.deep.equal([
      ['highest', 9],
      ['median', 5],
      ['lowest', 1],
    ])
  })

  it('show generations as they roll over, the newest at the bottom', () => {
    const of = (...generations: readonly number[]) =>
      answer(
        9,
        generations.map((generation, at) => worker(at + 1, 9, { generation })),
      )
    const history = [of(1, 1), of(1, 1, 2), of(1, 2), of(2, 2)].reduce(
      (before, next, at) => withPoint(before, next, at),
      noHistory,
    )
    const lines = generationLines(history)
    expect(lines).to.deep.equal([
      { label: 'generation 2', values: [0, 1, 1, 2] },
      { label: 'generation 1', values: [2, 2, 1, 0] },
    ])
    expect(stacked(lines).map(({ values }) => values)).to.deep.equal([
      [0, 1, 1, 2],
      [2, 3, 2, 2],
    ])
  })
})
