/** What `tsicornc top` shows in terminals of all sizes. */
import { stripVTControlCharacters } from 'node:util'
import { expect } from 'chai'
import fc from 'fast-check'
import { clean } from '../../../control/print/clean.ts'
import { actionOf } from '../../../control/top/keys.ts'
import { sparkline } from '../../../control/top/layout.ts'
import { totalsOf } from '../../../control/top/model.ts'
import { linesOf, type View } from '../../../control/top/view.ts'
import { answer, worker } from './answers.ts'

function viewOf(workers: number, more: Partial<View> = {}): View {
  const rows = (uptime: number) => Array.from({ length: workers }, (_, at) => worker(at + 1, uptime))
  const answers = [answer(10, rows(10)), answer(11, rows(11))]
  return {
    answers,
    history: [totalsOf(answers)],
    events: [],
    sorting: 'age',
    isPaused: false,
    isHelp: false,
    trouble: undefined,
    notice: undefined,
    ...more,
  }
}

function shown(view: View, width: number, height: number): string[] {
  return linesOf(view, { width, height }).map(stripVTControlCharacters)
}

const events = Array.from({ length: 50 }, (_, at) => ({ type: `event ${at}`, at: 0 }))

describe('the view of tsicornc top', () => {
  it('fills a terminal of any size, and no more', () => {
    const sizes = fc.record({
      width: fc.integer({ min: 1, max: 200 }),
      height: fc.integer({ min: 1, max: 60 }),
    })
    fc.assert(
      fc.property(sizes, fc.nat(80), fc.boolean(), ({ width, height }, workers, isHelp) => {
        const lines = shown(viewOf(workers, { isHelp, events }), width, height)
        expect(lines.length).to.equal(height)
        expect(Math.max(...lines.map(({ length }) => length))).to.be.at.most(width)
      }),
    )
  })

  it('has all columns but process id and uptime at 80 characters', () => {
    const [head] = shown(viewOf(2), 80, 24).filter(line => line.startsWith('AGE'))
    expect(head?.split(/ +/)).to.deep.equal([
      'AGE',
      'STATE',
      'GEN',
      'CONN',
      'FLIGHT',
      'REQ/S',
      'P50',
      'P99',
      'DELAY',
      'CPU',
      'MEMORY',
    ])
  })

  it('leaves out more columns the narrower it is, and keeps age, state and requests', () => {
    const heads = [120, 80, 60, 40, 20].map(
      width => shown(viewOf(2), width, 24).find(line => line.startsWith('AGE')) ?? '',
    )
    const numbers = heads.map(head => head.split(/ +/).length)
    expect(numbers).to.deep.equal(numbers.toSorted((a, b) => b - a))
    expect(heads.at(-1)?.split(/ +/)).to.deep.equal(['AGE', 'STATE', 'REQ/S'])
  })

  it('shows the last events, and how many workers do not fit', () => {
    const lines = shown(viewOf(40, { events }), 80, 24)
    expect(lines.join('\n')).to.match(/and \d+ more/)
    expect(lines.at(-2)).to.match(/event 49$/)
  })

  it('cuts a long name before the state of the server', () => {
    const answers = [answer(1, [], { name: 'x'.repeat(300), generation: 7 })]
    expect(shown(viewOf(0, { answers }), 80, 24)[0]).to.match(/^x+… \(pid 900, .*\): running, generation 7$/)
  })

  it('says what a key has done, but first why there is nothing new', () => {
    const view = { notice: 'Wanted: 2 workers', isPaused: true }
    expect(shown(viewOf(1, view), 80, 24).at(-1)).to.equal(' PAUSED    Wanted: 2 workers')
    expect(shown(viewOf(1, { ...view, trouble: 'It is gone' }), 80, 24).at(-1)).to.match(/It is gone$/)
  })

  it('waits for the first answer', () => {
    expect(shown(viewOf(0, { answers: [] }), 80, 24)[0]).to.match(/^Waiting for the first answer/)
  })
})

describe('a sparkline', () => {
  it('has the highest value as high as a line, and the last values at its right', () => {
    expect(sparkline([0, 7], 4)).to.equal('  ▁█')
    expect(sparkline([9, 0, 0], 2)).to.equal('▁▁')
    expect(sparkline([], 2)).to.equal('  ')
  })
})

describe('text of a server', () => {
  it('cannot command a terminal', () => {
    const data = { name: 'a\x1b[2J\x9bm\r\nb', list: ['\u202ec', 'é日'], number: 1, none: null }
    expect(clean(data)).to.deep.equal({ name: 'a?[2J?m b', list: ['?c', 'é日'], number: 1, none: null })
  })
})

describe('a key', () => {
  it('means what the table says, and nothing otherwise', () => {
    expect(actionOf('q', { name: 'q' })).to.equal('quit')
    expect(actionOf('\x03', { name: 'c', ctrl: true })).to.equal('quit')
    expect(actionOf('+', {})).to.equal('more')
    expect(actionOf('Q', { name: 'q' })).to.equal(undefined)
    expect(actionOf(undefined, { name: 'up' })).to.equal(undefined)
  })
})
