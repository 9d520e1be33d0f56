/** What the arbiter goes by: states and phases, its answers to signals, the scale, kinds of exits, and events. */
import { expect } from 'chai'
import fc from 'fast-check'
import { Inbox } from '../../../daemon/arbiter/inbox.ts'
import {
  firstPhase,
  mostRestarts,
  next,
  type Phase,
  phaseMeanings,
  reactionOf,
  reactions,
  signalNames,
} from '../../../daemon/state/phase.ts'
import { configure, grow, pause, scaleOf, shrink } from '../../../daemon/state/scale.ts'
import { mayBecome, workerStateMeanings, workerStates } from '../../../daemon/state/worker-state.ts'
import { classify, type LastState } from '../../../daemon/workers/exit-report.ts'

describe('life', () => {
  it('may skip ahead and never goes back', () => {
    for (const [earlier, from] of workerStates.entries()) {
      for (const [later, to] of workerStates.entries()) expect(mayBecome(from, to)).to.equal(later > earlier)
    }
  })

  it('explains every state', () => {
    expect(Object.keys(workerStateMeanings)).to.deep.equal([...workerStates])
  })
})

describe('phase', () => {
  it('explains every phase', () => {
    expect(Object.keys(phaseMeanings)).to.deep.equal(Object.keys(reactions))
  })

  it('hears TERM, INT and QUIT in every phase but the last', () => {
    for (const [name, reaction] of Object.entries(reactions)) {
      if (name === 'stopped') continue
      for (const signal of ['TERM', 'INT', 'QUIT'] as const) expect(reaction[signal], name).to.match(/^stop/)
    }
  })

  it('reacts to nothing once it is stopped', () => {
    expect(reactions.stopped).to.deep.equal({})
  })

  it('hastens a stop at the second signal, and keeps its exit code', () => {
    const stopping: Phase = { name: 'stopping', how: 'gracefully', since: 1, code: 3 }
    expect(reactions.stopping.TERM).to.equal('stop quickly')
    const quick: Phase = { name: 'stopping', how: 'quickly', since: 2, code: 3 }
    expect(next(stopping, 'stop quickly', 2, 1)).to.deep.equal(quick)
  })

  it('ends with the code of what failed when it gives up', () => {
    const booting = firstPhase({ reload: false, daemon: false }, false)
    expect(reactionOf(booting, 'boot failed')).to.equal('give up')
    const stopping = next(booting, 'give up', 0, 4)
    expect(next(stopping, 'leave', 0, 1)).to.deep.equal({ name: 'stopped', code: 4 })
  })

  it('waits for an app that is being written, and then for its configuration as well', () => {
    const booting = firstPhase({ reload: true, daemon: false }, false)
    expect(reactionOf(booting, 'prepare failed')).to.equal('give up')
    expect(reactionOf(booting, 'boot failed')).to.equal('wait')
    const waiting = next(booting, 'wait', 0, 4)
    expect(reactionOf(waiting, 'HUP')).to.equal('start again')
    const again = next(waiting, 'start again', 0, 4)
    expect(reactionOf(again, 'prepare failed')).to.equal('wait')
    expect(reactionOf(again, 'boot failed')).to.equal('wait')
    expect(reactionOf(again, 'settled')).to.equal('open')
  })

  it('waits for no app where somebody waits for the server', () => {
    for (const [daemon, isNewArbiter] of [
      [true, false],
      [false, true],
    ] as const)
      expect(reactionOf(firstPhase({ reload: true, daemon }, isNewArbiter), 'boot failed')).to.equal(
        'give up',
      )
  })

  it('goes back to running after a reload, however that ended', () => {
    const reloading = next({ name: 'running' }, 'reload', 7, 1)
    expect(reloading).to.deep.equal({ name: 'reloading', since: 7, restarts: 0, reloadAfter: false })
    expect(next(reloading, 'finish reload', 0, 1).name).to.equal('running')
    expect(next(reloading, 'abort reload', 0, 1).name).to.equal('running')
  })

  it('starts a reload over at HUP so many times, and then finishes it first', () => {
    let phase = next({ name: 'running' }, 'reload', 0, 0)
    const hear = (happening: 'HUP' | 'boot failed' | 'settled') => {
      const deed = reactionOf(phase, happening)
      if (deed !== undefined) phase = next(phase, deed, 0, 0)
      return deed
    }
    for (let restarts = 0; restarts < mostRestarts; restarts += 1) expect(hear('HUP')).to.equal('reload')
    expect([hear('HUP'), hear('HUP')]).to.deep.equal(['postpone reload', 'postpone reload'])
    expect(phase).to.include({ name: 'reloading', reloadAfter: true })
    expect(reactionOf(phase, 'boot failed')).to.equal('abort reload')
    expect(hear('settled')).to.equal('finish reload')
    expect(hear('HUP')).to.equal('reload')
    expect(phase).to.include({ restarts: 0, reloadAfter: false })
  })

  it('completes reloads however fast HUP comes and however long workers boot', () => {
    const times = fc.integer({ min: 1, max: 50 })
    fc.assert(
      fc.property(times, times, (interval, boot) => {
        let phase = { name: 'running' } as Phase
        let completed = 0
        const react = (happening: 'HUP' | 'settled', now: number) => {
          const deed = reactionOf(phase, happening)
          if (deed !== undefined) phase = next(phase, deed, now, 0)
          return deed
        }
        const span = (mostRestarts + 2) * interval + boot
        for (let now = 0; now < 4 * span; now += 1) {
          if (now % interval === 0) react('HUP', now)
          if (phase.name !== 'reloading' || now - phase.since < boot) continue
          const { reloadAfter } = phase
          if (react('settled', now) === 'finish reload') completed += 1
          if (reloadAfter) react('HUP', now)
        }
        expect(completed).to.be.at.least(3)
      }),
    )
  })

  it('has a reaction to every signal while it runs', () => {
    expect(signalNames.filter(name => reactions.running[name] === undefined)).to.deep.equal([])
  })
})

const just = (workers: number) => ({ min: workers, max: workers })

describe('scale', () => {
  it('grows and shrinks by one, not below one, and not above the most that are possible', () => {
    expect(grow(scaleOf(just(2)), 8).wanted).to.equal(3)
    expect(grow(scaleOf(just(8)), 8).wanted).to.equal(8)
    expect(shrink(scaleOf(just(2))).wanted).to.equal(1)
    expect(shrink(scaleOf(just(1))).wanted).to.equal(1)
  })

  it('brings back one parked worker by TTIN and all of them by a reload', () => {
    const parked = pause(grow(scaleOf(just(2)), 8))
    expect(parked.wanted).to.equal(0)
    expect(pause(parked)).to.deep.equal(parked)
    expect(grow(parked, 8).wanted).to.equal(1)
    expect(configure(parked, just(2)).wanted).to.equal(3)
  })

  it('is kept by a reload unless the configured number changed', () => {
    expect(configure(grow(scaleOf(just(2)), 8), just(2)).wanted).to.equal(3)
    expect(configure(grow(scaleOf(just(2)), 8), just(4)).wanted).to.equal(4)
  })

  it('stays within a new range', () => {
    expect(scaleOf({ min: 2, max: 8 }).wanted).to.equal(2)
    const four = scaleOf(just(4))
    expect(configure(four, { min: 2, max: 8 }).wanted).to.equal(4)
    expect(configure(four, { min: 5, max: 8 }).wanted).to.equal(5)
    expect(configure(four, { min: 1, max: 3 }).wanted).to.equal(3)
  })
})

describe('the kind of an exit', () => {
  const ready: LastState = {
    state: 'ready',
    failure: undefined,
    lasted: 60_000,
    proven: true,
    served: 0,
  }

  it('is expected of a worker that was asked to leave', () => {
    expect(classify({ ...ready, state: 'draining' })).to.equal('expected')
    expect(classify({ ...ready, state: 'cancelled' })).to.equal('expected')
  })

  it('is a crash of one that served or lived long, and an early exit of any other', () => {
    expect(classify(ready)).to.equal('crash')
    expect(classify({ ...ready, lasted: 200, served: 1 })).to.equal('crash')
    expect(classify({ ...ready, lasted: 200 })).to.equal('early exit')
    expect(classify({ ...ready, state: 'booting' })).to.equal('early exit')
  })

  it('of a worker that was never ready is a failure of its generation, unless it only found no free address', () => {
    const booting: LastState = { ...ready, state: 'booting', proven: false }
    expect(classify(booting)).to.equal('boot failed')
    expect(classify({ ...booting, failure: { why: 'app' } })).to.equal('boot failed')
    expect(classify({ ...booting, failure: { why: 'bind' } })).to.equal('bind failed')
    expect(classify({ ...booting, state: 'cancelled', failure: { why: 'boot' } })).to.equal('boot failed')
    expect(classify({ ...booting, state: 'ready' })).to.equal('unstable')
  })
})

describe('inbox', () => {
  it('gives events in the order of their arrival, before and while somebody waits', async () => {
    const inbox = new Inbox<number>()
    inbox.put(1)
    inbox.put(2)
    expect([await inbox.next(), await inbox.next()]).to.deep.equal([1, 2])
    const waiting = inbox.next()
    inbox.put(3)
    inbox.put(4)
    expect([await waiting, await inbox.next()]).to.deep.equal([3, 4])
  })
})
