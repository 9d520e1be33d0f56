/** A fleet that only exists in thought: it carries out plans, and fate decides when its workers boot, die and finish. */
import type { Limits } from '../../../daemon/state/deadlines.ts'
import { type Action, plan } from '../../../daemon/state/plan.ts'
import { isLeaving, type WorkerState } from '../../../daemon/state/worker-state.ts'
import type { PlannedWorker, World } from '../../../daemon/state/world.ts'

interface FakeWorker extends PlannedWorker {
  state: WorkerState
  isStarted: boolean
  since: number
  heartbeat: number
  killed: boolean
  needsRecycling: boolean
  isGone: boolean
}

export const limits: Limits = { boot: 10_000, heartbeat: 30_000, graceful: 5_000, quick: 1_000 }

export class FakeFleet {
  now = 1
  wanted: number
  generation = 1
  surge: number
  boots: number
  stopping: World['stopping'] = 'no'
  stopAt = 0
  spawnAfter = 0
  bake = 0
  recycles = true
  lastGood: number | undefined
  undecided = false
  workers: FakeWorker[] = []
  /** The addresses of generations, where they are not the usual one. */
  readonly addresses = new Map<number, readonly string[]>()
  /** The generations that only show an error. */
  readonly errors = new Set<number>()
  /** Everything that was ever done. */
  readonly done: Action[] = []
  #age = 0

  constructor({ wanted, surge, boots }: { wanted: number; surge: number; boots: number }) {
    this.wanted = wanted
    this.surge = surge
    this.boots = boots
  }

  get world(): World {
    const { now, stopping, stopAt, wanted, generation, surge, boots, spawnAfter, bake, recycles, workers } =
      this
    const { lastGood, undecided } = this
    return {
      now,
      stopping,
      stopAt,
      wanted,
      generation,
      surge,
      boots,
      spawnAfter,
      bake,
      recycles,
      lastGood,
      undecided,
      workers,
      limitsOf: () => limits,
      showsError: generation => this.errors.has(generation),
      addressesOf: generation => this.addresses.get(generation) ?? ['main'],
    }
  }

  /** Plans and performs until there is nothing left to do; returns when to wake up. */
  act(): number | undefined {
    for (let rounds = 0; rounds < 100; rounds += 1) {
      const { actions, wakeAt } = plan(this.world)
      if (actions.length === 0) return wakeAt
      for (const action of actions) this.#perform(action)
    }
    throw new Error('The plan never comes to rest')
  }

  #perform(action: Action): void {
    this.done.push(action)
    if (action.do === 'spawn') {
      this.#age += 1
      const { generation, now } = this
      this.workers.push({
        age: this.#age,
        generation,
        index: action.index,
        state: 'spawned',
        isStarted: true,
        since: now,
        heartbeat: now,
        killed: false,
        needsRecycling: false,
        failure: undefined,
        isGone: false,
      })
      return
    }
    const worker = this.workers.find(({ age }) => age === action.age)
    if (worker === undefined) throw new Error(`There is no worker ${action.age}`)
    if (action.do === 'kill') worker.killed = true
    else {
      worker.state = action.do === 'quit' ? action.how : 'draining'
      worker.since = this.now
    }
  }

  at(place: number): FakeWorker | undefined {
    return this.workers[place % Math.max(1, this.workers.length)]
  }

  /** The worker at this place has served long enough. */
  wear(place: number): void {
    const worker = this.at(place)
    if (worker?.state === 'ready') worker.needsRecycling = true
  }

  /** One thing that happens to the worker at this place, whatever fits its state. */
  happen(what: 'progress' | 'death', place: number): void {
    const worker = this.at(place)
    if (worker === undefined) return
    if (what === 'death' || worker.killed || isLeaving(worker.state)) {
      this.workers = this.workers.filter(other => other !== worker)
      return
    }
    worker.state = worker.state === 'spawned' ? 'booting' : 'ready'
    worker.since = this.now
    worker.heartbeat = this.now
  }

  pass(milliseconds: number): void {
    this.now += milliseconds
    for (const worker of this.workers) worker.heartbeat = this.now
  }

  /** Lets everything go well until nothing changes any more. */
  settle(): void {
    for (let rounds = 0; rounds < 1_000; rounds += 1) {
      this.act()
      const open = this.workers.findIndex(({ state, killed }) => state !== 'ready' || killed)
      if (open === -1) return
      this.happen('progress', open)
    }
    throw new Error('The fleet never settles')
  }

  count(life: WorkerState, generation?: number): number {
    return this.workers.filter(
      worker =>
        worker.state === life && !worker.killed && (generation ?? worker.generation) === worker.generation,
    ).length
  }
}
