/** When young deaths are a crash loop, how that slows down the next starts, and when it is over. */
import { expect } from 'chai'
import type { ErrorLog } from '../../../daemon/logs/error-log.ts'
import type { Survivor } from '../../../daemon/state/back-off.ts'
import { CrashLoop } from '../../../daemon/workers/crash-loop.ts'
import { monotonicNow } from '../../../worker/protocol/scoreboard.ts'

describe('a crash loop', () => {
  let lines: string[]
  let survivors: Survivor[]
  let loop: CrashLoop

  beforeEach(() => {
    lines = []
    survivors = []
    const write = (line: string) => void lines.push(line)
    loop = new CrashLoop({
      log: { warning: write, error: write } as Partial<ErrorLog> as ErrorLog,
      boots: 4,
      survivors: () => survivors,
    })
  })

  it('begins with the second young death, and lets one worker try at a time until one is ready', () => {
    loop.backOff('no database')
    expect([loop.isOn, loop.boots([])]).to.deep.equal([false, 4])
    const first = monotonicNow()
    loop.backOff('no database')
    expect([loop.isOn, loop.boots([])]).to.deep.equal([true, 1])
    expect(loop.boots([0]), 'one that was ready before').to.equal(1)
    expect(loop.boots([first])).to.equal(4)
  })

  it('is over when a worker ends that served, and when there is something new', () => {
    for (const end of [() => loop.pace(monotonicNow() - 60_000), () => loop.end()]) {
      for (const _ of [1, 2, 3]) loop.backOff('no database')
      end()
      expect(loop.isOn).to.equal(false)
      expect(loop.startAfter([])).to.be.below(monotonicNow())
    }
  })

  it('shortens a pause that has begun when the last worker stops serving', () => {
    survivors = [{ born: 0, isReady: true, served: true }]
    for (let death = 1; death <= 10; death += 1) loop.backOff('no database')
    const pause = loop.startAfter([0]) - loop.startAfter([])
    expect(pause).to.be.above(10_000)
  })

  it('does not flood the log', () => {
    for (let death = 1; death <= 100; death += 1) loop.backOff('no database')
    expect(lines.filter(line => line.includes('in a row'))).to.have.length(9 + 9)
  })
})
