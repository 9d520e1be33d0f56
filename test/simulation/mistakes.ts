/** Deliberate mistakes in the arbiter, each one a change of its source: the simulation has to find all of them. */
export interface Mistake {
  readonly name: string
  readonly file: string
  readonly from: string
  readonly to: string
  /** The first life of the thousand in the tests that shows it, when it was written down. */
  readonly seed: number
}

export const mistakes: readonly Mistake[] = [
  {
    name: 'drains one worker too many',
    file: 'daemon/state/plan.ts',
    from: 'successors.length + serving.length - wanted)',
    to: 'successors.length + serving.length - wanted + 1)',
    seed: 5,
  },
  {
    name: 'forgets the surge',
    file: 'daemon/state/plan.ts',
    from: 'return Math.max(wanted - alive.length, wanted + surge - living)',
    to: 'return wanted + surge + living',
    seed: 398,
  },
  {
    name: 'cuts who serves',
    file: 'daemon/state/plan.ts',
    from: "return worker.state === 'ready'\n    ? { do: 'drain', age: worker.age, why }\n    : ",
    to: 'return ',
    seed: 1,
  },
  {
    name: 'kills early',
    file: 'daemon/state/plan.ts',
    from: 'at <= world.now)',
    to: 'at <= world.now + 4_000)',
    seed: 4,
  },
  {
    name: 'leaves the queue of an address to nobody',
    file: 'daemon/workers/fleet.ts',
    from: 'abandoned: left.map(({ fd }) => fd)',
    to: 'abandoned: left.slice(0, 0).map(({ fd }) => fd)',
    seed: 821,
  },
  {
    name: 'closes what the last good generation serves',
    file: 'daemon/arbiter/server.ts',
    from: 'const needed = [current, lastGood]',
    to: 'const needed = [current]',
    seed: 24,
  },
  {
    name: 'goes on with a generation that failed',
    file: 'daemon/arbiter/reloads.ts',
    from: 'const { generations, journal, log, outlets, pidfile } = this.#server\n    this.#server.revert()',
    to: 'const { generations, journal, log, outlets, pidfile } = this.#server',
    seed: 8,
  },
  {
    name: 'forgets a stop that was put off',
    file: 'daemon/arbiter/arbiter.ts',
    from: "this.#stops.takeUp() ? this.#react('TERM') : undefined",
    to: 'this.#stops.takeUp()',
    seed: 12,
  },
  {
    name: 'waits for a hook for ever',
    file: 'hooks/queue.ts',
    from: 'within(seconds * 1_000,',
    to: 'within(0 * seconds,',
    seed: 8,
  },
  {
    name: 'keeps the scoreboard open',
    file: 'daemon/arbiter/server.ts',
    from: 'scoreboard.close()',
    to: 'void 0',
    seed: 1,
  },
  {
    name: 'says nothing about the end of a worker',
    file: 'daemon/workers/fleet.ts',
    from: "log.write(isNews ? level : 'debug', text)",
    to: "if (kind !== 'crash') log.write(isNews ? level : 'debug', text)",
    seed: 4,
  },
  {
    name: 'kills who has come back',
    file: 'daemon/workers/stuck.ts',
    from: 'if (child.revive(since))',
    to: 'if (false)',
    seed: 891,
  },
  {
    name: 'stops while an upgrade is being prepared',
    file: 'daemon/process/upgrader.ts',
    from: 'return this.isPreparing || (',
    to: 'return (',
    seed: 142,
  },
  {
    name: 'starts an upgrade that was taken back',
    file: 'daemon/process/upgrader.ts',
    from: '#abandon(why: string): void {\n    this.#preparation = undefined',
    to: '#abandon(why: string): void {',
    seed: 265,
  },
]

const chosen = mistakes.find(({ name }) => name === process.env.SIMULATED_MISTAKE)

/** Makes the mistake that the environment names in the source of this file; undefined where it is to stay as it is. */
export function mistakeIn(file: string): ((source: string) => string) | undefined {
  if (chosen?.file !== file) return undefined
  return source => {
    if (!source.includes(chosen.from))
      throw new Error(`${file} has changed: "${chosen.from}" is not in it any more`)
    return source.replace(chosen.from, () => chosen.to)
  }
}
