/** Whatever happens to a fleet, the plan keeps to its limits and to the service, and comes to rest. */
import { expect } from 'chai'
import fc from 'fast-check'
import { isSettled, plan } from '../../../daemon/state/plan.ts'
import { patienceMs } from '../../../daemon/state/stragglers.ts'
import { isLeaving } from '../../../daemon/state/worker-state.ts'
import { FakeFleet, limits } from './fake-fleet.ts'

const sizes = fc.record({
  wanted: fc.integer({ min: 1, max: 8 }),
  surge: fc.integer({ min: 1, max: 8 }),
  boots: fc.integer({ min: 1, max: 4 }),
})

/** What fate, the operator and the clock do to a fleet. */
const turn = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('progress' as const), place: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('death' as const), place: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wear' as const), place: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reload' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('revert' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('scale' as const), wanted: fc.integer({ min: 0, max: 8 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      milliseconds: fc.integer({ min: 1, max: 8_000 }),
    }),
  },
)

type Turn = typeof turn extends fc.Arbitrary<infer T> ? T : never

function take(fleet: FakeFleet, what: Turn): void {
  switch (what.do) {
    case 'progress':
    case 'death':
      return fleet.happen(what.do, what.place)
    case 'wear':
      return fleet.wear(what.place)
    case 'reload':
      fleet.generation += 1
      return
    case 'revert':
      fleet.generation = Math.max(1, fleet.generation - 1)
      return
    case 'scale':
      fleet.wanted = what.wanted
      return
    case 'wait':
      return fleet.pass(what.milliseconds)
  }
}

describe('plan', () => {
  it('is at rest once its actions are performed', () => {
    fc.assert(
      fc.property(sizes, fc.array(turn, { maxLength: 60 }), (size, turns) => {
        const fleet = new FakeFleet(size)
        for (const what of turns) {
          fleet.act()
          expect(plan(fleet.world).actions).to.deep.equal([])
          take(fleet, what)
        }
      }),
    )
  })

  it('never lets more serve or boot than wanted and surge together', () => {
    fc.assert(
      fc.property(
        sizes,
        fc.array(
          turn.filter(({ do: what }) => what !== 'scale'),
          { maxLength: 80 },
        ),
        (size, turns) => {
          const fleet = new FakeFleet(size)
          for (const what of turns) {
            fleet.act()
            const alive = fleet.workers.filter(({ state, killed }) => !isLeaving(state) && !killed)
            expect(alive.length).to.be.at.most(size.wanted + size.surge)
            take(fleet, what)
          }
        },
      ),
    )
  })

  it('never boots more at once than allowed', () => {
    fc.assert(
      fc.property(sizes, fc.array(turn, { maxLength: 60 }), (size, turns) => {
        const fleet = new FakeFleet(size)
        for (const what of turns) {
          fleet.act()
          expect(fleet.count('spawned') + fleet.count('booting')).to.be.at.most(size.boots)
          take(fleet, what)
        }
      }),
    )
  })

  it('keeps as many workers serving, and no more processes than surge and stragglers allow, while nobody dies', () => {
    const quiet = fc.oneof(
      fc.record({ do: fc.constant('progress' as const), place: fc.nat(20) }),
      fc.record({ do: fc.constant('wear' as const), place: fc.nat(20) }),
      fc.record({ do: fc.constant('reload' as const) }),
      fc.record({ do: fc.constant('revert' as const) }),
      fc.record({ do: fc.constant('wait' as const), milliseconds: fc.integer({ min: 1, max: 3_000 }) }),
    )
    fc.assert(
      fc.property(sizes, fc.array(quiet, { maxLength: 80 }), (size, turns) => {
        const fleet = new FakeFleet(size)
        fleet.settle()
        for (const what of turns) {
          take(fleet, what)
          fleet.act()
          expect(fleet.count('ready')).to.be.at.least(size.wanted)
          const stragglers = fleet.workers.filter(
            ({ state, since }) => isLeaving(state) && fleet.now - since >= patienceMs,
          )
          const excused = Math.min(size.wanted, stragglers.length)
          expect(fleet.workers.length).to.be.at.most(size.wanted + size.surge + excused)
        }
      }),
    )
  })

  it('ends every storm with exactly the wanted workers of the wanted generation', () => {
    fc.assert(
      fc.property(sizes, fc.array(turn, { maxLength: 60 }), (size, turns) => {
        const fleet = new FakeFleet(size)
        for (const what of turns) {
          take(fleet, what)
          fleet.act()
        }
        fleet.settle()
        expect(fleet.workers).to.have.length(fleet.wanted)
        expect(fleet.count('ready', fleet.generation)).to.equal(fleet.wanted)
        expect(isSettled(fleet.world)).to.equal(true)
      }),
    )
  })

  it('keeps the number of processes bounded, however many reloads come while old generations drain', () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant('progress' as const), place: fc.nat(40) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('reload' as const) }) },
      {
        weight: 2,
        arbitrary: fc.record({
          do: fc.constant('wait' as const),
          milliseconds: fc.integer({ min: 1, max: 900 }),
        }),
      },
    )
    fc.assert(
      fc.property(sizes, fc.array(step, { maxLength: 150 }), (size, steps) => {
        const fleet = new FakeFleet(size)
        fleet.settle()
        for (const what of steps) {
          // No client ever leaves, so nobody who drains has finished before he is killed.
          const worker = what.do === 'progress' ? fleet.at(what.place) : undefined
          if (worker === undefined || !isLeaving(worker.state) || worker.killed) take(fleet, what)
          fleet.act()
          expect(fleet.workers.length).to.be.at.most(2 * size.wanted + size.surge)
        }
      }),
    )
  })

  it('gives each worker that stays an index of its own, and the lowest ones once it is at rest', () => {
    const storm = fc.array(turn, { maxLength: 80 })
    fc.assert(
      fc.property(sizes, storm, (size, turns) => {
        const fleet = new FakeFleet(size)
        for (const what of turns) {
          take(fleet, what)
          fleet.act()
          const staying = fleet.workers.filter(
            ({ state, killed, needsRecycling, generation }) =>
              !isLeaving(state) && !killed && !needsRecycling && generation === fleet.generation,
          )
          const indexes = staying.map(({ index }) => index)
          expect(new Set(indexes).size).to.equal(indexes.length)
        }
        fleet.settle()
        const indexes = fleet.workers.map(({ index }) => index).sort((a, b) => a - b)
        expect(indexes).to.deep.equal(Array.from({ length: fleet.wanted }, (_, index) => index))
      }),
    )
  })

  it('starts nothing while stopping, and a stop ends', () => {
    fc.assert(
      fc.property(sizes, fc.array(turn, { maxLength: 60 }), fc.boolean(), (size, turns, quick) => {
        const fleet = new FakeFleet(size)
        for (const what of turns) {
          take(fleet, what)
          fleet.act()
        }
        fleet.stopping = quick ? 'quickly' : 'gracefully'
        fleet.done.length = 0
        for (let rounds = 0; fleet.workers.length > 0; rounds += 1) {
          expect(rounds, 'rounds').to.be.below(1_000)
          const wakeAt = fleet.act()
          if (wakeAt === undefined) expect(fleet.workers.filter(({ killed }) => !killed)).to.deep.equal([])
          fleet.now = Math.max(fleet.now, wakeAt ?? fleet.now)
          fleet.act()
          for (const worker of fleet.workers.filter(({ killed }) => killed)) {
            fleet.workers = fleet.workers.filter(other => other !== worker)
          }
        }
        expect(fleet.done.filter(action => action.do === 'spawn')).to.deep.equal([])
      }),
    )
  })

  it('kills a worker that does not get ready in time', () => {
    const fleet = new FakeFleet({ wanted: 1, surge: 1, boots: 1 })
    expect(fleet.act()).to.equal(fleet.now + limits.boot)
    fleet.pass(limits.boot)
    fleet.act()
    expect(fleet.done).to.deep.include({ do: 'kill', age: 1, why: 'boot_timeout' })
  })

  it('does not hold a worker to what is done before it is started', () => {
    const fleet = new FakeFleet({ wanted: 1, surge: 1, boots: 1 })
    fleet.act()
    for (const worker of fleet.workers) worker.isStarted = false
    fleet.pass(limits.boot)
    expect(fleet.act()).to.equal(undefined)
    expect(fleet.done.map(({ do: deed }) => deed)).to.deep.equal(['spawn'])
  })

  it('starts nobody any more when a stop is announced, and leaves the others', () => {
    const fleet = new FakeFleet({ wanted: 3, surge: 1, boots: 3 })
    fleet.act()
    fleet.happen('progress', 0)
    for (const worker of fleet.workers.slice(1)) worker.isStarted = false
    fleet.stopping = 'soon'
    fleet.stopAt = fleet.now + 3_000
    fleet.done.length = 0
    fleet.act()
    expect(fleet.done).to.deep.equal([2, 3].map(age => ({ do: 'quit', age, how: 'cancelled' })))
  })

  it('keeps the last worker on an address until it is decided which generation follows', () => {
    const fleet = new FakeFleet({ wanted: 1, surge: 1, boots: 1 })
    fleet.settle()
    fleet.addresses.set(1, ['main', 'other'])
    fleet.lastGood = 1
    fleet.generation = 2
    fleet.undecided = true
    fleet.act()
    for (const place of [1, 1]) fleet.happen('progress', place)
    fleet.act()
    expect(fleet.count('ready')).to.equal(2)
    fleet.generation = 3
    fleet.undecided = false
    fleet.act()
    expect(fleet.workers.find(({ state }) => state === 'draining')?.generation, 'of those on trial').to.equal(
      2,
    )
    fleet.settle()
    expect(fleet.workers.map(({ generation }) => generation)).to.deep.equal([3])
  })

  it('keeps the last worker on an address that the generation on trial has brought, whatever becomes surplus', () => {
    const fleet = new FakeFleet({ wanted: 2, surge: 1, boots: 2 })
    fleet.settle()
    fleet.lastGood = 1
    fleet.wanted = 3
    fleet.generation = 2
    fleet.addresses.set(2, ['main', 'other'])
    fleet.act()
    for (const what of ['progress', 'progress'] as const) fleet.happen(what, 2)
    expect(fleet.count('ready', 2)).to.equal(1)
    fleet.wanted = 1
    fleet.act()
    expect(fleet.count('ready', 2), 'it alone accepts on the other address').to.equal(1)
    // The generation on trial is superseded by one that has given the address up.
    fleet.generation = 3
    fleet.settle()
    expect(fleet.workers.map(({ generation }) => generation)).to.deep.equal([3])
  })

  it('kills a worker whose event loop stands still, and starts another at once', () => {
    const fleet = new FakeFleet({ wanted: 1, surge: 1, boots: 1 })
    fleet.settle()
    fleet.now += limits.heartbeat
    fleet.act()
    expect(fleet.done.slice(-2)).to.deep.equal([
      { do: 'kill', age: 1, why: 'timeout' },
      { do: 'spawn', index: 0 },
    ])
  })

  it('holds no worker to a heartbeat that was told to quit before its first one', () => {
    const fleet = new FakeFleet({ wanted: 1, surge: 1, boots: 1 })
    fleet.act()
    fleet.stopping = 'gracefully'
    fleet.act()
    const impatient = { ...limits, heartbeat: limits.quick / 2, quick: limits.quick }
    const { actions, wakeAt } = plan({
      ...fleet.world,
      now: fleet.now + impatient.heartbeat,
      limitsOf: () => impatient,
    })
    expect(actions).to.deep.equal([])
    expect(wakeAt).to.equal(fleet.now + limits.quick)
  })

  it('has no deadline for what has no limit', () => {
    const fleet = new FakeFleet({ wanted: 1, surge: 1, boots: 1 })
    fleet.settle()
    const { wakeAt } = plan({ ...fleet.world, limitsOf: () => ({ ...limits, heartbeat: 0 }) })
    expect(wakeAt).to.equal(undefined)
  })

  it('holds each worker to the limits of its own generation', () => {
    const fleet = new FakeFleet({ wanted: 1, surge: 1, boots: 1 })
    fleet.settle()
    fleet.generation = 2
    fleet.act()
    const [old, fresh] = fleet.workers.map(({ age }) => age)
    const limitsOf = (generation: number) =>
      generation === 1 ? limits : { ...limits, boot: 1, heartbeat: 1 }
    const { actions } = plan({ ...fleet.world, now: fleet.now + 1, limitsOf })
    expect(actions).to.deep.include({ do: 'kill', age: fresh, why: 'boot_timeout' })
    expect(actions).not.to.deep.include({ do: 'kill', age: old, why: 'timeout' })
  })

  it('kills only the worker that does not drain in time', () => {
    const fleet = new FakeFleet({ wanted: 2, surge: 1, boots: 2 })
    fleet.settle()
    fleet.wanted = 1
    fleet.act()
    fleet.pass(limits.graceful)
    fleet.act()
    expect(fleet.done.filter(action => action.do === 'kill')).to.deep.equal([
      { do: 'kill', age: 2, why: 'graceful_timeout' },
    ])
  })

  it('sends away those whose indexes are too high when fewer are wanted', () => {
    const fleet = new FakeFleet({ wanted: 3, surge: 1, boots: 3 })
    fleet.settle()
    fleet.wanted = 1
    fleet.act()
    expect(fleet.done.filter(action => action.do === 'drain')).to.deep.equal([
      { do: 'drain', age: 2, why: 'surplus' },
      { do: 'drain', age: 3, why: 'surplus' },
    ])
  })

  it('replaces worker that needs recyclings one at a time, each by a successor that is ready first', () => {
    const fleet = new FakeFleet({ wanted: 3, surge: 3, boots: 3 })
    fleet.settle()
    for (const place of [0, 1, 2]) fleet.wear(place)
    fleet.done.length = 0
    fleet.act()
    expect(fleet.done).to.deep.equal([{ do: 'spawn', index: 0 }])
    fleet.happen('progress', 3)
    fleet.happen('progress', 3)
    fleet.act()
    expect(fleet.done.slice(1)).to.deep.equal([{ do: 'drain', age: 1, why: 'replaced' }])
    fleet.happen('progress', 0)
    fleet.settle()
    expect(fleet.workers.map(({ age }) => age)).to.deep.equal([4, 5, 6])
  })

  it('recycles nobody while a generation replaces another', () => {
    const fleet = new FakeFleet({ wanted: 2, surge: 1, boots: 2 })
    fleet.settle()
    fleet.recycles = false
    fleet.wear(0)
    fleet.act()
    expect(fleet.workers).to.have.length(2)
  })

  it('keeps the last old worker until the new generation is baked', () => {
    const fleet = new FakeFleet({ wanted: 2, surge: 2, boots: 2 })
    fleet.settle()
    fleet.bake = 3_000
    fleet.generation = 2
    fleet.act()
    for (const place of [2, 3, 2, 3]) fleet.happen('progress', place)
    const wakeAt = fleet.act()
    expect(fleet.done.filter(action => action.do === 'drain')).to.have.length(1)
    expect(wakeAt).to.equal(fleet.now + 3_000)
    expect(isSettled(fleet.world)).to.equal(false)
    fleet.pass(3_000)
    fleet.act()
    expect(fleet.done.filter(action => action.do === 'drain')).to.have.length(2)
    expect(isSettled(fleet.world)).to.equal(true)
  })

  it('keeps the old worker, and not a surplus new one, while the new generation bakes', () => {
    const fleet = new FakeFleet({ wanted: 3, surge: 1, boots: 3 })
    fleet.settle()
    fleet.lastGood = 1
    fleet.bake = 10_000
    fleet.generation = 2
    for (let rounds = 0; rounds < 10 && fleet.count('ready', 2) < 3; rounds += 1) {
      fleet.act()
      const open = fleet.workers.findIndex(({ state }) => state !== 'ready')
      if (open !== -1) for (const what of ['progress', 'progress'] as const) fleet.happen(what, open)
    }
    fleet.act()
    expect([fleet.count('ready', 1), fleet.count('ready', 2)]).to.deep.equal([1, 3])
    fleet.wanted = 2
    fleet.act()
    expect([fleet.count('ready', 1), fleet.count('ready', 2)]).to.deep.equal([1, 2])
  })

  it('asks those that never were good before the last good ones', () => {
    const fleet = new FakeFleet({ wanted: 2, surge: 2, boots: 2 })
    fleet.settle()
    fleet.lastGood = 1
    fleet.generation = 2
    fleet.act()
    for (const what of ['progress', 'progress'] as const) fleet.happen(what, 2)
    fleet.act()
    expect([fleet.count('ready', 1), fleet.count('ready', 2)]).to.deep.equal([1, 1])
    fleet.generation = 3
    fleet.act()
    fleet.workers = fleet.workers.filter(({ state }) => !isLeaving(state))
    fleet.act()
    const first = fleet.workers.findIndex(({ generation, index }) => generation === 3 && index === 1)
    for (const what of ['progress', 'progress'] as const) fleet.happen(what, first)
    fleet.act()
    expect([1, 2, 3].map(generation => fleet.count('ready', generation))).to.deep.equal([1, 0, 1])
  })

  it('does not count on a worker whose process has ended, before its last words have come', () => {
    const fleet = new FakeFleet({ wanted: 2, surge: 1, boots: 1 })
    fleet.settle()
    fleet.generation = 2
    fleet.act()
    for (const what of ['progress', 'progress'] as const) fleet.happen(what, 2)
    const [first, second, successor] = fleet.workers
    if (second !== undefined) second.isGone = true
    fleet.act()
    expect([first, second, successor].map(worker => worker?.state)).to.deep.equal(['ready', 'ready', 'ready'])
    expect(isSettled(fleet.world)).to.equal(false)
  })

  it('sends away what only shows an error as soon as one worker of the app serves, whatever bakes', () => {
    const fleet = new FakeFleet({ wanted: 1, surge: 1, boots: 4 })
    fleet.errors.add(1)
    fleet.settle()
    fleet.generation = 2
    fleet.wanted = 4
    fleet.bake = 60_000
    fleet.act()
    expect([fleet.count('ready', 1), fleet.count('spawned', 2)]).to.deep.equal([1, 4])
    for (const what of ['progress', 'progress'] as const) fleet.happen(what, 1)
    fleet.act()
    expect([fleet.count('ready', 1), fleet.count('ready', 2)]).to.deep.equal([0, 1])
  })

  it('waits for the end of a back-off', () => {
    const fleet = new FakeFleet({ wanted: 1, surge: 1, boots: 1 })
    fleet.spawnAfter = 500
    expect(fleet.act()).to.equal(500)
    expect(fleet.workers).to.deep.equal([])
    fleet.pass(500)
    fleet.act()
    expect(fleet.workers).to.have.length(1)
  })

  it('does not wait for workers that drain for long, but for as many as one fleet has', () => {
    const fleet = new FakeFleet({ wanted: 2, surge: 1, boots: 2 })
    fleet.settle()
    const rollOut = (generation: number) => {
      fleet.generation = generation
      for (let rounds = 0; rounds < 10 && !isSettled(fleet.world); rounds += 1) {
        fleet.act()
        for (const [place, { state }] of fleet.workers.entries())
          if (!isLeaving(state) && state !== 'ready') fleet.happen('progress', place)
      }
    }
    rollOut(2)
    expect(fleet.count('ready', 2)).to.equal(1)
    expect(plan(fleet.world)).to.deep.equal({ actions: [], waits: [], wakeAt: fleet.now + 1_000 })
    fleet.pass(1_000)
    expect(plan(fleet.world).waits).to.deep.equal([{ age: 1, until: fleet.now + 1_000 }])
    fleet.pass(1_000)
    rollOut(2)
    expect(isSettled(fleet.world), 'the first reload').to.equal(true)
    expect(plan(fleet.world).waits).to.deep.equal([])
    fleet.pass(2_000)
    rollOut(3)
    fleet.pass(2_000)
    fleet.act()
    expect(isSettled(fleet.world), 'the second reload').to.equal(false)
    // Two of the first generation are excused, so the one of the second has to leave.
    expect(plan(fleet.world).waits).to.deep.equal([{ age: 3, until: fleet.now - 2_000 + limits.graceful }])
    fleet.happen('progress', 0)
    rollOut(3)
    expect(isSettled(fleet.world), 'the second reload').to.equal(true)
  })

  it('replaces each worker by one of its index, a dead one before one that serves', () => {
    const fleet = new FakeFleet({ wanted: 3, surge: 1, boots: 1 })
    fleet.settle()
    fleet.generation = 2
    fleet.happen('death', 2)
    fleet.done.length = 0
    fleet.act()
    expect(fleet.done).to.deep.equal([{ do: 'spawn', index: 2 }])
    fleet.settle()
    expect(fleet.done.filter(action => action.do === 'spawn')).to.deep.equal(
      [2, 0, 1].map(index => ({ do: 'spawn', index })),
    )
    expect(fleet.done.filter(action => action.do === 'drain').map(({ age }) => age)).to.deep.equal([1, 2])
  })

  it('recycles the next worker that needs recycling while the last one takes long to finish', () => {
    const fleet = new FakeFleet({ wanted: 2, surge: 1, boots: 2 })
    fleet.settle()
    for (const place of [0, 1]) fleet.wear(place)
    fleet.act()
    for (const _ of [1, 2]) fleet.happen('progress', 2)
    fleet.act()
    expect(fleet.done.filter(action => action.do === 'spawn')).to.have.length(3)
    fleet.pass(patienceMs)
    fleet.act()
    expect(fleet.done.at(-1)).to.deep.equal({ do: 'spawn', index: 1 })
  })
})
