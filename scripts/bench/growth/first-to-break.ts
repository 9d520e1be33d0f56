/** From what each worker takes to the number of workers that a machine has room for. */
import type { Values } from './sweep.ts'

/** Something that a machine has only so much of. */
export interface Resource {
  readonly name: string
  /** Of what was measured. */
  readonly used: string
  readonly available: () => number
}

/** At how many workers each resource of this machine is used up, the first one first, along the last two points. */
export function firstToBreak(
  measured: readonly (readonly [workers: number, values: Values])[],
  resources: readonly Resource[],
): string {
  const [before, last] = measured.slice(-2)
  if (before === undefined || last === undefined) return 'Too few points to tell what breaks first.'
  const ends = resources.map(({ name, used, available }) => {
    const [from, to] = [before[1][used] ?? 0, last[1][used] ?? 0]
    const perWorker = (to - from) / (last[0] - before[0])
    const workers = perWorker > 0 ? last[0] + (available() - to) / perWorker : Number.POSITIVE_INFINITY
    return { name, used, perWorker, available: available(), workers }
  })
  const lines = ends
    .sort((one, other) => one.workers - other.workers)
    .map(
      ({ name, used, perWorker, available, workers }) =>
        `${name} (${used}): ${perWorker.toPrecision(3)} for each worker, ${Math.round(available)} at most, ` +
        `which is reached at ${Number.isFinite(workers) ? Math.round(workers).toLocaleString('en') : 'no number of'} workers`,
    )
  return [
    `What ends first on this machine, from ${before[0]} and ${last[0]} workers:`,
    '',
    ...lines.map((line, n) => `${n + 1}. ${line}`),
  ].join('\n')
}
