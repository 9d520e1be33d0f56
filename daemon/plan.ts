/**
 * Compares the workers that are with the workers that should be, and says what to do about it.
 *
 * Pure and idempotent: it runs after every event, and once its actions are performed it has nothing more to say until
 * something happens or `wakeAt` comes. All times are milliseconds of the monotonic clock.
 */
import type { Life } from './life.ts'

/** A worker as far as planning is concerned. */
export interface PlannedWorker {
  readonly age: number
  readonly generation: number
  readonly life: Life
  /** When it entered this state, or was told to quit. */
  readonly since: number
  /** Its last heartbeat that is known; counted from `since` until there is one. */
  readonly pulse: number
  /** It was told to stop at once. */
  readonly quit: boolean
  /** It is being killed: it only has to be reaped. */
  readonly killed: boolean
  /** It asked for a successor. */
  readonly worn: boolean
}

export interface World {
  readonly now: number
  /** `soon`: nobody is started any more, and nobody is asked to leave before `stopAt`. */
  readonly stopping: 'no' | 'soon' | 'gracefully' | 'quickly'
  /** When to begin a stop that is announced. */
  readonly stopAt: number
  readonly wanted: number
  /** The generation that every worker should be of. */
  readonly generation: number
  /** How many more than wanted may live while one generation replaces another. */
  readonly surge: number
  /** How many may boot at the same time. */
  readonly boots: number
  /** How long the last old worker stays, in milliseconds, after all new ones are ready: in case one of them fails. */
  readonly bake: number
  /** Worn workers get successors: not while a generation replaces another. */
  readonly recycles: boolean
  /** Nothing is spawned before this moment: the back-off after failed starts. */
  readonly spawnAfter: number
  readonly workers: readonly PlannedWorker[]
  readonly limits: Limits
}

/** How long a worker may take; 0 means for ever. */
export interface Limits {
  readonly boot: number
  readonly pulse: number
  readonly graceful: number
  readonly quick: number
}

export type Action =
  | { readonly do: 'spawn' }
  | { readonly do: 'drain'; readonly age: number; readonly why: DrainReason }
  | { readonly do: 'quit'; readonly age: number }
  | { readonly do: 'kill'; readonly age: number; readonly why: KillReason }

export type DrainReason = 'stopping' | 'replaced' | 'surplus'

export type KillReason = 'boot_timeout' | 'timeout' | 'graceful_timeout' | 'quick stop'

export interface Plan {
  readonly actions: readonly Action[]
  /** When to plan again although nothing happened; undefined when there is no deadline. */
  readonly wakeAt: number | undefined
}

export function plan(world: World): Plan {
  const deadlines = world.workers.flatMap(worker => deadline(worker, world.limits))
  const due = deadlines.filter(({ at }) => at <= world.now)
  const kills = new Map(due.map(({ age, why }) => [age, why]))
  const rest = world.workers.filter(worker => !kills.has(worker.age))
  const actions: Action[] = Array.from(kills, ([age, why]) => ({ do: 'kill', age, why }))
  actions.push(...goal({ ...world, workers: rest }))
  const times = deadlines.map(({ at }) => at).filter(at => at > world.now)
  if (waitsForBackOff(world)) times.push(world.spawnAfter)
  if (world.stopping === 'soon' && world.stopAt > world.now) times.push(world.stopAt)
  const baked = world.stopping === 'no' ? bakedAt(world) : undefined
  if (baked !== undefined && baked > world.now) times.push(baked)
  return { actions, wakeAt: times.length === 0 ? undefined : Math.min(...times) }
}

function goal(world: World): Action[] {
  switch (world.stopping) {
    case 'no':
      return balance(world)
    case 'soon':
      return world.stopAt > world.now ? [] : empty('gracefully', world.workers)
    default:
      return empty(world.stopping, world.workers)
  }
}

/** Whether every wanted worker is ready and of the wanted generation, and nobody else serves. */
export function isSettled(world: World): boolean {
  const serving = world.workers.filter(isAlive)
  return (
    serving.length === world.wanted &&
    serving.every(worker => worker.life === 'ready' && worker.generation === world.generation)
  )
}

interface Deadline {
  readonly age: number
  readonly at: number
  readonly why: KillReason
}

function deadline(worker: PlannedWorker, limits: Limits): Deadline[] {
  if (worker.killed || worker.life === 'exited') return []
  const { age, since } = worker
  const found: Deadline[] = []
  const add = (why: KillReason, from: number, limit: number) => {
    if (limit > 0) found.push({ age, at: from + limit, why })
  }
  if (worker.quit) add('quick stop', since, limits.quick)
  else if (worker.life === 'draining') add('graceful_timeout', since, Math.max(limits.graceful, 1))
  else if (worker.life !== 'ready') add('boot_timeout', since, limits.boot)
  // One that was told to quit may not have come as far as its first heartbeat.
  if (worker.life === 'ready' || (worker.life === 'draining' && !worker.quit))
    add('timeout', worker.pulse, limits.pulse)
  return found
}

/** While stopping, everybody is asked to leave, and nothing else is done. */
function empty(how: 'gracefully' | 'quickly', workers: readonly PlannedWorker[]): Action[] {
  return workers
    .filter(worker => !worker.killed && worker.life !== 'exited')
    .flatMap<Action>(worker => {
      if (how === 'quickly') return worker.quit ? [] : [{ do: 'quit', age: worker.age }]
      return worker.life === 'draining' ? [] : [leave(worker, 'stopping')]
    })
}

/** Spawns what is missing and drains what is too much: ready before drain, oldest first. */
function balance(world: World): Action[] {
  const alive = world.workers.filter(isAlive)
  const worn = retiring(world, alive)
  const fresh = alive.filter(worker => worker.generation === world.generation && worker !== worn)
  const stale = alive.filter(worker => worker.generation !== world.generation || worker === worn)
  const surplus = tooMany(fresh, world.wanted)
  return [...surplus, ...replaced(world, fresh, stale), ...missing(world, fresh, alive)]
}

/** The one worn worker that is to be replaced now: like a stale one, and only when no other is on its way out. */
function retiring(world: World, alive: readonly PlannedWorker[]): PlannedWorker | undefined {
  if (!world.recycles || alive.some(({ generation }) => generation !== world.generation)) return undefined
  if (world.workers.some(worker => worker.worn && worker.life === 'draining')) return undefined
  return alive.find(worker => worker.worn && isReady(worker))
}

/** More than wanted of the right generation: those that do not serve yet leave first, then the oldest. */
function tooMany(fresh: readonly PlannedWorker[], wanted: number): Action[] {
  const leaving = [...fresh].sort((a, b) => Number(isReady(a)) - Number(isReady(b)) || a.age - b.age)
  return leaving.slice(0, Math.max(0, fresh.length - wanted)).map(worker => leave(worker, 'surplus'))
}

/**
 * Stale workers that do not serve leave at once, the others one by one as successors become ready; the last one waits
 * until the new generation is baked.
 */
function replaced(world: World, fresh: readonly PlannedWorker[], stale: readonly PlannedWorker[]): Action[] {
  const serving = stale.filter(isReady).sort((a, b) => a.age - b.age)
  const successors = Math.min(fresh.filter(isReady).length, world.wanted)
  const dispensable = serving.slice(0, Math.max(0, successors + serving.length - world.wanted))
  const baked = bakedAt(world)
  if (baked !== undefined && baked > world.now && dispensable.length === serving.length) dispensable.pop()
  return [...stale.filter(worker => !isReady(worker)), ...dispensable].map(worker =>
    leave(worker, 'replaced'),
  )
}

/** When the last worker of the old generation may leave; undefined where none waits for that. */
function bakedAt({ bake, workers, generation, wanted }: World): number | undefined {
  const serving = workers.filter(worker => isAlive(worker) && isReady(worker))
  const fresh = serving.filter(worker => worker.generation === generation)
  if (bake === 0 || fresh.length < wanted || fresh.length === serving.length) return undefined
  return Math.max(0, ...fresh.map(({ since }) => since)) + bake
}

/**
 * What is missing is always replaced; what is to be exchanged only while fewer than `wanted + surge` live, and those
 * that still drain do live.
 */
function missing(world: World, fresh: readonly PlannedWorker[], alive: readonly PlannedWorker[]): Action[] {
  if (world.now < world.spawnAfter) return []
  const lacking = world.wanted - fresh.length
  const booting = fresh.filter(worker => !isReady(worker)).length
  const living = world.workers.filter(worker => worker.life !== 'exited').length
  const dead = world.wanted - alive.length
  const room = Math.max(dead, world.wanted + world.surge - living)
  const count = Math.max(0, Math.min(lacking, room, world.boots - booting))
  return Array.from({ length: count }, () => ({ do: 'spawn' }))
}

/** A worker that serves nobody yet has nothing to finish. */
function leave(worker: PlannedWorker, why: DrainReason): Action {
  return isReady(worker) ? { do: 'drain', age: worker.age, why } : { do: 'quit', age: worker.age }
}

function waitsForBackOff(world: World): boolean {
  const fresh = world.workers.filter(worker => isAlive(worker) && worker.generation === world.generation)
  return world.stopping === 'no' && world.now < world.spawnAfter && fresh.length < world.wanted
}

/** Not on its way out: it serves, or is going to. */
function isAlive(worker: PlannedWorker): boolean {
  return !worker.killed && !worker.quit && worker.life !== 'draining' && worker.life !== 'exited'
}

function isReady(worker: PlannedWorker): boolean {
  return worker.life === 'ready'
}
