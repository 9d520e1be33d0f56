/** What follows from the end of a worker: nothing, a pause, a failed reload, or a new start with what it learnt. */
import { expect } from 'chai'
import { WorkerExits } from '../../../daemon/arbiter/worker-exits.ts'
import type { Generation } from '../../../daemon/generation/generation.ts'
import type { ExitKind } from '../../../daemon/workers/exit-report.ts'
import type { Child } from '../../../daemon/workers/worker-handle.ts'
import { type FakeServer, fakeServer, generation } from './fake-server.ts'

describe('worker exits', () => {
  let current: Generation
  let reloads: string[]

  beforeEach(async () => {
    current = await generation(2)
    reloads = []
  })

  interface Case {
    readonly kind?: ExitKind
    readonly phase?: string
    readonly served?: number
    readonly failure?: Child['failure']
    readonly generation?: number
    readonly lastGood?: number
    readonly isPreparing?: boolean
    readonly learns?: boolean
    readonly hasTsx?: boolean
    readonly state?: Child['state']
    /** Its worker shows an error, and the generation with this number is the one that should do so. */
    readonly shown?: number
  }

  function exits(given: Case): FakeServer & { readonly exits: WorkerExits; readonly child: Child } {
    const { kind = 'crash', phase = 'running', served = 0, lastGood = 2, learns = true } = given
    const fake = fakeServer(
      { phase: { name: phase }, scale: { wanted: 2 } },
      {
        fleet: {
          reap: () => ({ kind, served, text: 'Worker 5 ended' }),
          showsError: () => given.shown !== undefined,
          needsTsx: false,
        },
        generations: {
          current,
          planned: { number: given.shown ?? 2 },
          lastGood: { number: lastGood },
          isPreparing: given.isPreparing === true,
          appBinds: { learn: () => learns, forgetAsked: () => undefined },
        },
        crashLoop: { isOn: false },
      },
    )
    const note = (name: string) => () => void reloads.push(name)
    const made = new WorkerExits(
      fake.server,
      { begin: note('begin'), supersede: note('supersede') } as never,
      current.resolved,
    )
    const { failure, hasTsx = false, state = 'booting' } = given
    const child = { generation: given.generation ?? 2, failure, hasTsx, state, born: 1 } as Child
    return { ...fake, exits: made, child }
  }

  const reaped = (given: Case) => {
    const found = exits(given)
    return { ...found, trigger: found.exits.reap(found.child)?.trigger }
  }

  it('that were expected ask for nothing', () => {
    expect(reaped({ kind: 'expected' }).trigger).to.equal(undefined)
  })

  it('of workers that served only set the pace of the next start', () => {
    const { trigger, calls } = reaped({ kind: 'crash' })
    expect([trigger, calls]).to.deep.equal([undefined, ['fleet.showsError', 'fleet.reap', 'crashLoop.pace']])
    expect(reaped({ kind: 'unstable', served: 3 }).calls).to.include('crashLoop.pace')
  })

  it('that were early make the next start wait, with what the worker said about it', () => {
    const failure = { type: 'failed', why: 'app', message: 'no module' } as const
    const { trigger, lines } = reaped({ kind: 'early exit', failure })
    expect([trigger, lines]).to.deep.equal(['early exit', ['error no module']])
    expect(reaped({ kind: 'unstable' }).trigger).to.equal('early exit')
  })

  it('of a generation that is not wanted any more fail no reload', () => {
    expect(reaped({ kind: 'boot failed', phase: 'reloading', generation: 1, lastGood: 1 }).trigger).to.equal(
      undefined,
    )
  })

  it('before the first worker was ready end the start, with the exit code of the reason', () => {
    const codes = (['app', 'boot', 'log', 'tsx'] as const).map(why => {
      const failure = { type: 'failed', why, message: why } as const
      const found = reaped({ kind: 'boot failed', phase: 'booting', failure, hasTsx: true })
      return [found.trigger, found.exits.exitCode]
    })
    expect(codes).to.deep.equal([
      ['boot failed', 4],
      ['boot failed', 3],
      ['boot failed', 1],
      ['boot failed', 3],
    ])
  })

  it('of an unstable worker fail the reload: only a reload can go back', () => {
    expect(reaped({ kind: 'unstable', phase: 'reloading', lastGood: 1 }).trigger).to.equal('boot failed')
  })

  it('while the next reload is being prepared leave the decision to that one', () => {
    const found = reaped({ kind: 'boot failed', phase: 'reloading', lastGood: 1, isPreparing: true })
    expect([found.trigger, reloads]).to.deep.equal([undefined, ['supersede']])
  })

  it('because an address was taken meanwhile bind again, five times in all', () => {
    const failure = { type: 'failed', why: 'bind', message: 'in use' } as const
    const { exits: made, child, lines, calls } = exits({ kind: 'bind failed', phase: 'booting', failure })
    const triggers = [1, 2, 3, 4, 5].map(() => made.reap(child)?.trigger)
    expect(triggers).to.deep.equal([undefined, undefined, undefined, undefined, 'boot failed'])
    expect(lines[0]).to.equal('error in use (try 1 of 5, the next in 1 second)')
    expect(calls.filter(call => call === 'generations.prepare').length).to.equal(4)
  })

  it('because only tsx can load the app have the next one started with it, and say so once', () => {
    const failure = { type: 'failed', why: 'tsx', message: 'an enum' } as const
    const { exits: made, child, server, lines } = exits({ failure })
    Object.defineProperty(server.fleet, 'needsTsx', { value: true })
    expect(made.reap(child)).to.equal(undefined)
    expect(lines).to.deep.equal([])
    expect(reaped({ failure }).lines).to.deep.equal(['info The app is loaded with tsx from now on: an enum'])
  })

  it('of what shows an error end that where it never could, unless another one is shown', () => {
    const died = reaped({ kind: 'early exit', shown: 2 })
    expect([died.trigger, died.calls.at(-1)]).to.deep.equal([undefined, 'generations.hide'])
    expect(died.lines).to.deep.equal(['warning The error cannot be shown'])
    const killed = reaped({ kind: 'crash', shown: 2, state: 'ready' })
    expect([killed.trigger, killed.calls.at(-1)]).to.deep.equal([undefined, 'crashLoop.pace'])
    for (const given of [{ kind: 'expected', shown: 2 } as const, { kind: 'crash', shown: 3 } as const])
      expect(reaped(given).calls).to.deep.equal(['fleet.showsError', 'fleet.reap'])
  })

  describe('because the app listens elsewhere', () => {
    const failure = { type: 'failed', why: 'elsewhere', message: 'It listens', binds: [':9'] } as const

    it('start over with its addresses', () => {
      const { trigger, calls, lines } = reaped({ failure, phase: 'booting' })
      expect(trigger).to.equal(undefined)
      expect(calls.slice(1)).to.deep.equal(['fleet.reap', 'generations.deactivate', 'generations.prepare'])
      expect(lines).to.deep.equal(['info It listens: it is bound for the app'])
    })

    it('begin another reload while reloading, after which the old generation serves', () => {
      const { calls } = reaped({ failure, phase: 'reloading', lastGood: 1 })
      expect([calls.slice(1), reloads]).to.deep.equal([['fleet.reap', 'server.revert'], ['begin']])
    })

    it('are failures where nothing new is learnt, or the app keeps asking', () => {
      const same = reaped({ failure, phase: 'booting', kind: 'boot failed', learns: false })
      expect([same.trigger, same.exits.exitCode]).to.deep.equal(['boot failed', 4])
      const { exits: made, child } = exits({ failure, phase: 'booting', kind: 'boot failed' })
      const triggers = Array.from({ length: 8 }, () => made.reap(child)?.trigger)
      expect(triggers).to.deep.equal([...Array<undefined>(7).fill(undefined), 'boot failed'])
    })
  })
})
