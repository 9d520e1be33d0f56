/** What a seed means: the life of a server, with everything that happens to it and to its workers. */
import { chance, createRandom, integer, pick, type Random } from '../attack/random.ts'
import type { Fault } from './machine/machine.ts'

/** How the app of a generation behaves. */
export type AppKind = 'good' | 'slow' | 'broken' | 'hangs' | 'crashes'

/** Something that happens at a time, in milliseconds from the start. */
export interface Planned {
  readonly at: number
  readonly what:
    | { readonly kind: 'signal'; readonly name: string }
    | { readonly kind: 'end new arbiter'; readonly signal: NodeJS.Signals }
    | { readonly kind: 'fault'; readonly fault: Fault; readonly forMs: number }
    | { readonly kind: 'kill worker'; readonly place: number; readonly signal: NodeJS.Signals }
    | { readonly kind: 'hang worker'; readonly place: number; readonly forMs: number }
    | { readonly kind: 'worker says'; readonly place: number; readonly text: string }
    | { readonly kind: 'worker closes its channel'; readonly place: number }
    | { readonly kind: 'stop the arbiter'; readonly forMs: number }
    | { readonly kind: 'sleep'; readonly forMs: number }
    | { readonly kind: 'stray error' }
    /** On the control socket. */
    | { readonly kind: 'scale'; readonly wanted: number }
    | { readonly kind: 'replace worker'; readonly place: number }
    | { readonly kind: 'take the upgrade back' }
    /** So many connections wait, as far as autoscaling can tell. */
    | { readonly kind: 'queue'; readonly queued: number }
}

/** What a hook of the arbiter does. */
export type HookKind = 'none' | 'good' | 'slow' | 'throws' | 'never settles'

/** One reading of the configuration. */
export interface ConfigFate {
  readonly outcome: 'good' | 'bad' | 'never ends'
  readonly takes: number
  readonly app: AppKind
  readonly workers: number
  /** More than `workers` where their number follows the load. */
  readonly most: number
  readonly hasSecondBind: boolean
  readonly hasPidfile: boolean
  readonly timeout: number
  readonly graceful: number
  readonly boot: number
  readonly hookTimeout: number
  readonly surge: number | `${number}%`
  readonly bake: number
  readonly drainDelay: number
  readonly hooks: Readonly<
    Record<
      'on_starting' | 'on_reload' | 'pre_fork' | 'when_ready' | 'child_exit' | 'pre_exec' | 'on_exit',
      HookKind
    >
  >
}

export interface WorkerFate {
  /** From its start until it serves, or fails. */
  readonly takes: number
  readonly outcome: 'ready' | 'fails' | 'dies' | 'never'
  /** It hears nothing while it boots. */
  readonly isBlocking: boolean
  /** When it dies after it has begun to serve; undefined where it does not by itself. */
  readonly diesAfter: number | undefined
  /** It does not leave when it is told to. */
  readonly stays: boolean
  readonly jitter: number
}

export interface NewArbiterFate {
  readonly takes: number
  readonly outcome: 'serves' | 'fails' | 'never'
  readonly diesAfter: number | undefined
}

export interface Fate {
  readonly seed: number
  readonly boots: number
  readonly events: readonly Planned[]
  /** Milliseconds between two clients, on average. */
  readonly clientsEvery: number
  readonly config: (reading: number) => ConfigFate
  readonly worker: (age: number, app: AppKind) => WorkerFate
  readonly newArbiter: (count: number) => NewArbiterFate
  /** How the life is ended. */
  readonly end: 'TERM' | 'INT' | 'QUIT'
}

/** How long things happen, in milliseconds. */
const longestMs = 60_000

const signals = ['HUP', 'HUP', 'HUP', 'TTIN', 'TTOU', 'WINCH', 'USR1', 'USR2', 'CONT', 'TERM'] as const
const faults = ['disk full', 'no descriptors', 'no processes', 'scoreboard unreadable', 'port taken'] as const
const nonsense = [
  'nonsense\n',
  '{"type":"ready"}\n{"type":"ready"}\n',
  '{"type":"log","level":"info","message":5}\n',
  '{"type":"recycle","why":"it is old"}\n',
  '{"type":"leaving","why":"somebody sent it SIGTERM"}\n',
  '{"type":"failed","why":"app","message":"far too late"}\n',
  '{"type":"booting"}\n',
  '{"type":"crashed","why":"it says so"}\n',
  '{"type":"rea',
]

export function fateOf(seed: number): Fate {
  const random = of(seed, 0)
  const isCalm = chance(random, 0.3)
  const count = integer(random, 0, 12)
  const events = Array.from({ length: count }, () => plannedBy(random, isCalm)).flat()
  events.push(...askedBy(of(seed, 3_000_000)))
  events.push(...queuesOf(of(seed, 4_000_000)))
  events.push(...impatienceOf(of(seed, 5_000_000), events))
  return {
    seed,
    boots: integer(random, 1, 4),
    events: events.sort((a, b) => a.at - b.at),
    clientsEvery: pick(random, [200, 1_000, 3_000]),
    config: reading => configOf(of(seed, 1_000 + reading), reading, isCalm),
    worker: (age, app) => workerOf(of(seed, 1_000_000 + age), app, isCalm),
    newArbiter: number => newArbiterOf(of(seed, 2_000_000 + number)),
    end: pick(random, ['TERM', 'TERM', 'INT', 'QUIT'] as const),
  }
}

/** Choices that do not depend on those that were made before. */
function of(seed: number, part: number): Random {
  return createRandom(Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(part + 1, 0x85ebca6b))
}

function plannedBy(random: Random, isCalm: boolean): Planned[] {
  const at = integer(random, 0, longestMs)
  const signal = (name: string, after = 0): Planned => ({ at: at + after, what: { kind: 'signal', name } })
  const place = integer(random, 0, 9)
  if (isCalm || chance(random, 0.55)) {
    const name = pick(random, signals)
    if (name === 'USR2') {
      const end: Planned['what'] = chance(random, 0.5)
        ? { kind: 'signal', name: 'TERM' }
        : { kind: 'end new arbiter', signal: pick(random, ['SIGTERM', 'SIGKILL']) }
      return [signal(name), { at: at + integer(random, 1, 8_000), what: end }]
    }
    if (name === 'TERM' && !chance(random, 0.2)) return []
    // Operators, and deploys, are impatient.
    return Array.from({ length: chance(random, 0.2) ? integer(random, 2, 6) : 1 }, (_, place) =>
      signal(name, place * integer(random, 0, 700)),
    )
  }
  const forMs = pick(random, [200, 3_000, 20_000, 100_000])
  const what = pick<Planned['what']>(random, [
    { kind: 'fault', fault: pick(random, faults), forMs: Math.min(forMs, 20_000) },
    { kind: 'kill worker', place, signal: pick(random, ['SIGKILL', 'SIGTERM', 'SIGSEGV']) },
    { kind: 'hang worker', place, forMs },
    { kind: 'worker says', place, text: pick(random, nonsense) },
    { kind: 'worker closes its channel', place },
    { kind: 'stop the arbiter', forMs: Math.min(forMs, 20_000) },
    { kind: 'sleep', forMs },
    { kind: 'stray error' },
  ])
  return [{ at, what }]
}

/** What clients of the control socket ask for. */
function askedBy(random: Random): Planned[] {
  const count = chance(random, 0.3) ? integer(random, 1, 3) : 0
  return Array.from({ length: count }, () => ({
    at: integer(random, 0, longestMs),
    what: chance(random, 0.6)
      ? { kind: 'scale', wanted: integer(random, 1, 5) }
      : { kind: 'replace worker', place: integer(random, 0, 9) },
  }))
}

/** Some who ask for an upgrade have second thoughts before it has begun. */
function impatienceOf(random: Random, events: readonly Planned[]): Planned[] {
  const upgrades = events.filter(({ what }) => what.kind === 'signal' && what.name === 'USR2')
  return upgrades.flatMap(({ at }): Planned[] => {
    const after = at + pick(random, [0, 1, 200, 2_000])
    if (chance(random, 0.7)) return []
    const what: Planned['what'] = chance(random, 0.5)
      ? { kind: 'take the upgrade back' }
      : { kind: 'signal', name: 'TERM' }
    return [{ at: after, what }]
  })
}

function workersOf(random: Random): Pick<ConfigFate, 'workers' | 'most'> {
  const workers = integer(random, 1, 4)
  return { workers, most: chance(random, 0.2) ? integer(random, workers, 8) : workers }
}

/** Queues that last, so that autoscaling starts workers; whom nobody asks for anything leave by themselves later. */
function queuesOf(random: Random): Planned[] {
  const first = integer(random, 0, longestMs)
  const count = chance(random, 0.3) ? integer(random, 3, 8) : 0
  return Array.from({ length: count }, (_, index) => ({
    at: first + index * 1_100,
    what: { kind: 'queue', queued: integer(random, 0, 60) },
  }))
}

function configOf(random: Random, reading: number, isCalm: boolean): ConfigFate {
  const isFirst = reading === 0
  const hook = (): HookKind =>
    isCalm
      ? pick(random, ['none', 'none', 'good', 'slow'])
      : pick(random, ['none', 'none', 'none', 'none', 'good', 'slow', 'throws', 'never settles'])
  const outcome = pick(random, ['good', 'good', 'good', 'good', 'bad', 'never ends'] as const)
  const app = pick(random, ['good', 'good', 'good', 'slow', 'broken', 'hangs', 'crashes'] as const)
  return {
    outcome: isFirst ? 'good' : outcome,
    takes: pick(random, [1, 50, 400, 3_000]),
    app: isFirst && chance(random, 0.9) ? 'good' : app,
    ...workersOf(random),
    hasSecondBind: chance(random, 0.4),
    hasPidfile: chance(random, 0.7),
    timeout: pick(random, [0, 5, 30]),
    graceful: pick(random, [0, 1, 5, 30]),
    boot: pick(random, [5, 10, 60]),
    hookTimeout: pick(random, [1, 30]),
    surge: pick(random, ['25%', '100%', 1, 2]),
    bake: pick(random, [0, 0, 2, 10]),
    drainDelay: pick(random, [0, 0, 3]),
    hooks: {
      on_starting: isFirst && chance(random, 0.9) ? 'good' : hook(),
      on_reload: hook(),
      pre_fork: hook(),
      when_ready: hook(),
      child_exit: hook(),
      pre_exec: hook(),
      on_exit: hook(),
    },
  }
}

function workerOf(random: Random, app: AppKind, isCalm: boolean): WorkerFate {
  const takes = app === 'slow' ? integer(random, 2_000, 9_000) : integer(random, 20, 1_500)
  const isUnlucky = !isCalm && chance(random, 0.05)
  const outcome = isUnlucky ? pick(random, ['fails', 'dies', 'never'] as const) : 'ready'
  const byApp = { good: outcome, slow: outcome, crashes: outcome, broken: 'fails', hangs: 'never' } as const
  return {
    takes,
    outcome: byApp[app],
    isBlocking: chance(random, 0.4),
    diesAfter: app === 'crashes' ? integer(random, 100, 8_000) : undefined,
    stays: !isCalm && chance(random, 0.03),
    jitter: integer(random, 0, 3),
  }
}

function newArbiterOf(random: Random): NewArbiterFate {
  return {
    takes: integer(random, 100, 4_000),
    outcome: pick(random, ['serves', 'serves', 'fails', 'never'] as const),
    diesAfter: chance(random, 0.2) ? integer(random, 100, 9_000) : undefined,
  }
}
