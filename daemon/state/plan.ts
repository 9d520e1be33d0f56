/**
 * Compares actual workers with desired workers, and returns what to do about it.
 *
 * Every wanted worker has an index, and each index has one worker that stays: spawned for that index, it passes it on
 * to its successor. Pure and idempotent: it runs after every event, and once its actions are performed it asks for
 * nothing more until something happens or `wakeAt` comes. All times are milliseconds of the monotonic clock.
 */
import { deadlinesOf, type KillReason } from './deadlines.ts'
import { type Draining, drainingOf, timesOf, type Wait, waitsOf } from './stragglers.ts'
import { isLeaving } from './worker-state.ts'
import type { PlannedWorker, World } from './world.ts'

export type Action =
  | { readonly do: 'spawn'; readonly index: number }
  | { readonly do: 'drain'; readonly age: number; readonly why: DrainReason }
  /** Tells it to leave without finishing; one that is only cancelled, and has just begun to serve, may finish. */
  | { readonly do: 'quit'; readonly age: number; readonly how: 'cancelled' | 'quitting' }
  | { readonly do: 'kill'; readonly age: number; readonly why: KillReason }

export type DrainReason = 'stopping' | 'replaced' | 'surplus'

export interface Plan {
  readonly actions: readonly Action[]
  /** The workers whose drain has held up new ones long enough to be logged. */
  readonly waits: readonly Wait[]
  /** When to plan again if nothing happens; undefined if there is no deadline. */
  readonly wakeAt: number | undefined
}

export function plan(world: World): Plan {
  const deadlines = world.workers.flatMap(worker => deadlinesOf(worker, world.limitsOf(worker.generation)))
  const due = deadlines.filter(({ at }) => at <= world.now)
  const kills = new Map(due.map(({ age, why }) => [age, why]))
  const workers = world.workers.map(worker => (kills.has(worker.age) ? { ...worker, killed: true } : worker))
  const actions: Action[] = Array.from(kills, ([age, why]) => ({ do: 'kill', age, why }))
  const times = deadlines.map(({ at }) => at)
  if (world.stopping !== 'no') {
    actions.push(...stop(world, workers))
    if (world.stopping === 'soon') times.push(world.stopAt)
    return { actions, waits: [], wakeAt: earliest(times, world.now) }
  }
  const found = survey({ ...world, workers })
  actions.push(...replaced(found), ...missing(found))
  const { draining, now, spawnAfter } = found
  const isHeldUp = waitsForDrains(found)
  if (isHeldUp) times.push(...timesOf(draining))
  if (now < spawnAfter && found.free.length > 0) times.push(spawnAfter)
  const baked = bakedAt(found)
  if (baked !== undefined) times.push(baked)
  return { actions, waits: isHeldUp ? waitsOf(draining, now) : [], wakeAt: earliest(times, now) }
}

function earliest(times: readonly number[], now: number): number | undefined {
  const future = times.filter(at => at > now)
  return future.length === 0 ? undefined : Math.min(...future)
}

function stop({ stopping, stopAt, now }: World, workers: readonly PlannedWorker[]): Action[] {
  // A process that has yet to be started would inherit sockets that are closed by then.
  if (stopping === 'soon' && stopAt > now)
    return workers
      .filter(worker => !worker.isStarted && isAlive(worker))
      .map(worker => leave(worker, 'stopping'))
  return empty(stopping === 'quickly' ? 'quickly' : 'gracefully', workers)
}

/** Whether every wanted worker is ready and of the wanted generation, and no other worker serves. */
export function isSettled(world: World): boolean {
  const { alive, seats } = survey(world)
  return alive.length === world.wanted && seats.size === world.wanted && alive.every(serves)
}

/** While stopping, all workers are asked to leave, and nothing else is done. */
function empty(how: 'gracefully' | 'quickly', workers: readonly PlannedWorker[]): Action[] {
  return workers
    .filter(worker => isAlive(worker) || (how === 'quickly' && worker.state === 'draining' && !worker.killed))
    .map(worker =>
      how === 'quickly' ? { do: 'quit', age: worker.age, how: 'quitting' } : leave(worker, 'stopping'),
    )
}

/** The workers, sorted by their part in the plan. */
interface Survey extends World {
  /** The workers that are not leaving. */
  readonly alive: readonly PlannedWorker[]
  readonly draining: Draining
  /** The workers that stay, by index. */
  readonly seats: ReadonlyMap<number, PlannedWorker>
  /** The wanted indexes without a worker that stays; those without any worker come first. */
  readonly free: readonly number[]
}

function survey(world: World): Survey {
  const { workers, now, wanted, limitsOf } = world
  const alive = workers.filter(isAlive)
  const draining = drainingOf(workers, now, Math.max(1, wanted), limitsOf)
  const seats = new Map<number, PlannedWorker>()
  const recycling = recycled(world, alive, draining)
  // Of two workers that could stay, a ready one wins, then the younger.
  const candidates = [...alive].sort((a, b) => Number(serves(b)) - Number(serves(a)) || b.age - a.age)
  for (const worker of candidates) {
    const { generation, index } = worker
    const isWanted = generation === world.generation && index < wanted && worker !== recycling
    if (isWanted && !seats.has(index)) seats.set(index, worker)
  }
  const taken = new Set(alive.map(({ index }) => index))
  const free = Array.from({ length: wanted }, (_, index) => index).filter(index => !seats.has(index))
  free.sort((a, b) => Number(taken.has(a)) - Number(taken.has(b)) || a - b)
  return { ...world, alive, draining, seats, free }
}

/** The one worker that is recycled now: treated like a stale one, and only if no other is being recycled. */
function recycled(
  world: World,
  alive: readonly PlannedWorker[],
  { overdue }: Draining,
): PlannedWorker | undefined {
  if (!world.recycles || alive.some(({ generation }) => generation !== world.generation)) return undefined
  if (
    world.workers.some(
      ({ needsRecycling, state, age }) => needsRecycling && isLeaving(state) && !overdue.has(age),
    )
  )
    return undefined
  return alive.find(worker => worker.needsRecycling && serves(worker))
}

/**
 * Asks workers that do not stay to leave: those that do not serve at once, the others one by one as new ones become
 * ready, each as soon as its own successor is; those of the last good generation after those that never were. The last
 * one of an old generation waits until the new one is baked, and the last one on an address until it is clear who serves
 * there next, as far as the surge allows. What only shows an error leaves as soon as any other worker serves.
 */
function replaced(survey: Survey): Action[] {
  const { alive, seats, wanted, lastGood } = survey
  const staying = new Set(seats.values())
  const stale = alive.filter(worker => !staying.has(worker))
  const turn = ({ index }: PlannedWorker) => {
    if (index >= wanted) return 0
    const successor = seats.get(index)
    return successor !== undefined && serves(successor) ? 1 : 2
  }
  const isGood = ({ generation }: PlannedWorker) => Number(generation === lastGood)
  const successors = [...staying].filter(serves)
  const outdated = (worker: PlannedWorker) => successors.length > 0 && survey.showsError(worker.generation)
  const serving = stale
    .filter(worker => serves(worker) && !outdated(worker))
    .sort((a, b) => isGood(a) - isGood(b) || turn(a) - turn(b) || a.age - b.age)
  const keepers = keepersOf(survey, serving, successors)
  const order = [
    ...serving.filter(worker => !keepers.has(worker)),
    ...serving.filter(worker => keepers.has(worker)),
  ]
  const surplus = Math.max(0, successors.length + serving.length - wanted)
  const held = Math.min(keepers.size, survey.surge)
  const dispensable = order.slice(0, Math.min(surplus, serving.length - held))
  const others = stale.filter(worker => worker.state !== 'ready' || (serves(worker) && outdated(worker)))
  return [...others, ...dispensable].map(worker => {
    const isSurplus = worker.generation === survey.generation && !worker.needsRecycling
    return leave(worker, isSurplus ? 'surplus' : 'replaced')
  })
}

/**
 * The last serving worker on each address that only one of two generations has, the one on trial or the last good one:
 * were it gone, clients would queue there for nobody, and be reset if the address is given up. While another generation
 * is prepared, that could be any address. Not while no worker is wanted: then every queue waits.
 */
function keepersOf(
  survey: Survey,
  serving: readonly PlannedWorker[],
  successors: readonly PlannedWorker[],
): ReadonlySet<PlannedWorker> {
  const { undecided, generation, lastGood, wanted, now, addressesOf } = survey
  if (wanted === 0) return new Set()
  const isBaking = (bakedAt(survey) ?? 0) > now
  const isOnTrial = isBaking || successors.length < wanted
  const [ours, safe] = [addressesOf(generation), lastGood === undefined ? [] : addressesOf(lastGood)]
  const isUncertain = (address: string) =>
    undecided || (isOnTrial && ours.includes(address) !== safe.includes(address))
  const keepers = new Map<string, PlannedWorker>()
  for (const worker of [...serving, ...successors])
    for (const address of addressesOf(worker.generation))
      if (isUncertain(address)) keepers.set(address, worker)
  const found = new Set([...keepers.values()].filter(worker => serving.includes(worker)))
  if (!isBaking || found.size > 0) return found
  const last = serving.findLast(worker => worker.generation !== generation)
  return new Set(last && [last])
}

/** When the last worker of the old generation may leave; undefined if none waits for that. */
function bakedAt({ bake, workers, generation, wanted }: World): number | undefined {
  const serving = workers.filter(worker => isAlive(worker) && serves(worker))
  const fresh = serving.filter(worker => worker.generation === generation)
  if (bake === 0 || fresh.length < wanted || fresh.length === serving.length) return undefined
  return Math.max(0, ...fresh.map(({ since }) => since)) + bake
}

/**
 * A missing worker is always replaced. A stale one is exchanged only while fewer than `wanted + surge` are alive, and a
 * draining one counts for a while.
 */
function missing(survey: Survey): Action[] {
  if (survey.now < survey.spawnAfter) return []
  const count = Math.max(0, Math.min(startable(survey), roomIn(survey)))
  return survey.free.slice(0, count).map(index => ({ do: 'spawn', index }))
}

/** How many could be started if there were room. */
function startable({ free, seats, boots }: Survey): number {
  return Math.min(free.length, boots - [...seats.values()].filter(({ state }) => state !== 'ready').length)
}

function roomIn({ workers, alive, draining, wanted, surge }: Survey): number {
  const living = workers.filter(({ state }) => state !== 'exited').length - draining.overdue.size
  return Math.max(wanted - alive.length, wanted + surge - living)
}

/** Whether a worker could be started if the draining ones were gone. */
function waitsForDrains(survey: Survey): boolean {
  const { now, spawnAfter, workers, seats, recycles, draining } = survey
  const { holding } = draining
  if (holding.length === 0 || now < spawnAfter) return false
  if (startable(survey) > Math.max(0, roomIn(survey))) return true
  const isRecyclingHeld = workers.some(
    ({ needsRecycling, age }) => needsRecycling && holding.some(one => one.age === age),
  )
  return recycles && isRecyclingHeld && [...seats.values()].some(({ needsRecycling }) => needsRecycling)
}

/** A worker that is not ready has hardly anything to finish. */
function leave(worker: PlannedWorker, why: DrainReason): Action {
  return worker.state === 'ready'
    ? { do: 'drain', age: worker.age, why }
    : { do: 'quit', age: worker.age, how: 'cancelled' }
}

/** Whether it serves or is about to, and is not leaving. */
function isAlive(worker: PlannedWorker): boolean {
  return !worker.killed && !isLeaving(worker.state) && worker.state !== 'exited'
}

function serves({ state, isGone }: PlannedWorker): boolean {
  return state === 'ready' && !isGone
}
