/** What the status page says about the server. */
import { expect } from 'chai'
import type { Event } from '../../control/print/events.ts'
import { rollsOf, toneOf, verdictOf } from '../../page/incidents.ts'
import { answer, worker } from '../control/top/answers.ts'

const exit = (at: number, kind: string): Event => ({
  type: 'worker exited',
  at,
  kind,
  text: `Ended at ${at}`,
})
const two = [worker(1, 9), worker(2, 9)]

describe('the verdict of the status page', () => {
  it('is quiet while nothing has happened', () => {
    expect(verdictOf(answer(9, two), [], 0)).to.deep.equal({
      kind: 'quiet',
      text: 'No reload since this arbiter was started',
    })
  })

  it('says how far a reload is', () => {
    const reloading = { phase: 'reloading', generation: 2, wanted: 2 }
    const mixed = [worker(2, 9), worker(3, 1, { generation: 2 })]
    expect(verdictOf(answer(9, mixed, reloading), [], 0)).to.deep.equal({
      kind: 'busy',
      text: 'Reloading: 1 of 2 workers are of generation 2',
      progress: 0.5,
    })
    const before = verdictOf(answer(9, two, { ...reloading, generation: 1 }), [], 0)
    expect(before.text).to.equal('Reloading: the next generation is being prepared')
  })

  it('is the outcome of the last reload', () => {
    const succeeded: Event = { type: 'reload succeeded', at: 5, reload: 1, generation: 2, took: 1.5 }
    const failed: Event = { type: 'reload failed', at: 8, reload: 2, error: 'Cannot load ./app.ts' }
    expect(verdictOf(answer(9, two), [succeeded], 9)).to.deep.equal({
      kind: 'good',
      text: 'Reload 1: generation 2 serves (1.5 s)',
      at: 5,
    })
    const { kind, text } = verdictOf(answer(9, two), [succeeded, failed], 9)
    expect([kind, text]).to.deep.equal(['bad', 'Reload 2 failed: Cannot load ./app.ts'])
  })

  it('says that workers keep ending, but not of those that were replaced', () => {
    const missing = { ready: 1, wanted: 2 }
    const crashes = [1, 2, 3].map(at => exit(at, 'early exit'))
    const { kind, text } = verdictOf(answer(9, two, missing), crashes, 4)
    expect([kind, text]).to.deep.equal(['bad', 'Workers keep ending: 3 in the last minute. Ended at 3'])
    const expected = [1, 2, 3].map(at => exit(at, 'expected'))
    expect(verdictOf(answer(9, two, missing), expected, 4).kind).to.equal('quiet')
    expect(verdictOf(answer(9, two, missing), crashes, 70_000).kind).to.equal('quiet')
    expect(verdictOf(answer(9, two), crashes, 4).kind).to.equal('quiet')
  })

  it('marks crashes and failures among the events', () => {
    expect(toneOf(exit(1, 'crash'))).to.equal('bad')
    expect(toneOf(exit(1, 'expected'))).to.equal('plain')
    expect(toneOf({ type: 'reload succeeded' })).to.equal('good')
  })
})

describe('the reloads that the charts show', () => {
  it('are from the beginning to the outcome', () => {
    const events = ['reload started', 'reload failed', 'reload started', 'worker ready', 'reload succeeded']
    const rolls = rollsOf([...events, 'reload started'].map((type, at) => ({ type, at: at * 1_000 })))
    expect(rolls).to.deep.equal([
      { from: 0, to: 1, hasFailed: true },
      { from: 2, to: 4, hasFailed: false },
      { from: 5, to: undefined, hasFailed: false },
    ])
  })
})
