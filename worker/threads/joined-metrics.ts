/** What the apps of all threads have measured, as one worker tells it: the arbiter knows no threads. */
import { tellFamilies } from '../process/app-metrics.ts'
import type { AppFamily, AppSample } from '../protocol/app-metrics.ts'
import type { FromWorker } from '../protocol/messages.ts'
import type { Thread } from './thread.ts'

type Metrics = Extract<FromWorker, { type: 'metrics' }>

interface Known {
  readonly turn: number
  readonly families: readonly AppFamily[]
}

/** What `prom-client` measures of the process: each thread says the same. */
const ofProcess =
  /(^|_)process_(cpu_(user_|system_)?seconds_total|resident_memory_bytes|virtual_memory_bytes|heap_bytes|open_fds|max_fds)$/

export class JoinedMetrics {
  readonly #threads: () => readonly Thread[]
  /** What each thread has said last; that of a thread that has ended goes on counting. */
  readonly #known = new Map<Thread, Known>()
  readonly #begun = new Map<Thread, AppFamily[]>()
  #told = 0

  constructor(threads: () => readonly Thread[]) {
    this.#threads = threads
  }

  hear({ turn, families, isLast }: Metrics, thread: Thread): void {
    const begun = [...(this.#begun.get(thread) ?? []), ...(families as readonly AppFamily[])]
    this.#begun.set(thread, isLast ? [] : begun)
    if (!isLast) return
    this.#known.set(thread, { turn, families: begun })
    // The last values of a thread belong to those of the worker.
    if (turn === 0 || turn <= this.#told) return
    const hasSaid = (one: Thread) => one.hasEnded || (this.#known.get(one)?.turn ?? 0) >= turn
    if (this.#threads().every(hasSaid)) this.#tell(turn)
  }

  /** Call when all threads have ended. */
  tellLast(): void {
    if (this.#known.size > 0) this.#tell(0)
  }

  #tell(turn: number): void {
    this.#told = Math.max(this.#told, turn)
    tellFamilies(turn, join([...this.#known.values()].map(({ families }) => families)))
  }
}

/** One list of what all threads have measured. */
export function join(all: readonly (readonly AppFamily[])[]): readonly AppFamily[] {
  const byName = new Map<string, AppFamily[]>()
  for (const family of all.flat()) byName.set(family.name, [...(byName.get(family.name) ?? []), family])
  return [...byName.values()].map(families => joinFamily(families))
}

/** The parts of one family, which may come from one thread or several. */
function joinFamily(families: readonly AppFamily[]): AppFamily {
  const [first] = families as readonly [AppFamily, ...AppFamily[]]
  const values = new Map<string, AppSample[]>()
  for (const sample of families.flatMap(({ samples }) => samples)) {
    const key = JSON.stringify([sample.name, Object.entries(sample.labels).sort()])
    values.set(key, [...(values.get(key) ?? []), sample])
  }
  const combine = ofProcess.test(first.name) ? greatest : combinations[first.combination]
  const samples = [...values.values()].map(same => ({
    ...(same[0] as AppSample),
    value: combine(same.map(({ value }) => value)),
  }))
  return { ...first, samples }
}

type Combine = (values: readonly number[]) => number

const sum: Combine = values => values.reduce((total, value) => total + value, 0)

const greatest: Combine = values => Math.max(...values)

const first: Combine = ([value = 0]) => value

const combinations: Readonly<Record<AppFamily['combination'], Combine>> = {
  sum,
  first,
  min: values => Math.min(...values),
  max: greatest,
  average: values => sum(values) / values.length,
  // The arbiter leaves it out.
  omit: first,
}
