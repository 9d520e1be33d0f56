/** The workers, as the log reports them. */

export interface RosterEntry {
  readonly age: number
  readonly pid: number
  readonly generation: number
  readonly isReady: boolean
  readonly hasEnded: boolean
}

/** All workers in the log; a worker belongs to the generation that was announced last before it booted. */
export function readRoster(log: string): RosterEntry[] {
  const workers = new Map<number, RosterEntry>()
  let generation = 1
  for (const line of log.split('\n')) {
    const started = /starting generation (\d+)/.exec(line)
    if (started !== null) generation = Number(started[1])
    const [, age = '', pid = '', what = ''] =
      /[Ww]orker (\d+) \(pid (\d+)\)( is ready| exited| was ended)?/.exec(line) ?? []
    if (pid === '') continue
    const known = workers.get(Number(age)) ?? {
      age: Number(age),
      pid: Number(pid),
      generation,
      isReady: false,
      hasEnded: false,
    }
    workers.set(known.age, {
      ...known,
      isReady: known.isReady || what === ' is ready',
      hasEnded: known.hasEnded || what === ' exited' || what === ' was ended',
    })
  }
  return [...workers.values()]
}
