/** One turn of one adversary: what it did, what it found, and the servers that it did it to. */
import { rmSync } from 'node:fs'
import { createRandom, type Random } from './random.ts'
import { AttackedServer, type ServerOptions } from './server/attacked.ts'
import { type Census, findGrowth } from './server/census.ts'
import type { Honest, HonestOptions } from './server/honest.ts'

export const groups = ['corpus', 'fuzz', 'chaos', 'apps', 'faults'] as const

export type Group = (typeof groups)[number]

export interface Adversary {
  readonly group: Group
  readonly name: string
  /** Attacks for about `turn.seconds`. What it throws is a violation too. */
  run(turn: Turn): Promise<void>
}

export function nameOf({ group, name }: Adversary): string {
  return `${group}: ${name}`
}

export interface TurnOptions {
  readonly adversary: Adversary
  readonly seed: number
  readonly seconds: number
  /** The Node to run servers with. */
  readonly node: string
}

/** What a turn has come to. */
export interface Outcome {
  readonly adversary: Adversary
  readonly seed: number
  /** How long the attack should last, in seconds, and how long it did. */
  readonly planned: number
  readonly seconds: number
  readonly answered: number
  readonly explained: number
  readonly violations: readonly string[]
  /** Why there was nothing to attack on this machine. */
  readonly skipped: string | undefined
  readonly story: readonly string[]
  /** Of each server: its folder, and the end of its log. */
  readonly servers: readonly { readonly folder: string; readonly tail: string }[]
}

/** Lines of the log that are always a fault. */
const defect = /\[CRITICAL\] (?!WORKER TIMEOUT)|at .*\/(?:daemon|node:internal)\//

/** The end of a worker by an error that nobody handled; one whose app has replaced parts of Node may end so. */
const crash = /\[(?:ERROR|CRITICAL)\]|^node:internal/

/** Events and lines that a violation is told with. */
const mostStory = 40
const mostTail = 60

/** Violations of one turn beyond these are more of the same. */
const mostViolations = 20

export class Turn {
  readonly seconds: number
  readonly node: string
  readonly seed: number
  readonly random: Random
  readonly #adversary: Adversary
  readonly #servers: AttackedServer[] = []
  readonly #story: string[] = []
  readonly #violations: string[] = []
  readonly #began = performance.now()
  #attackBegan: number | undefined
  #skipped: string | undefined

  constructor({ adversary, seed, seconds, node }: TurnOptions) {
    this.#adversary = adversary
    this.seed = seed
    this.seconds = seconds
    this.node = node
    this.random = createRandom(seed)
  }

  /** Whether the attack has lasted long enough; its time begins when this is asked first, with the server in place. */
  get isOver(): boolean {
    const now = performance.now()
    this.#attackBegan ??= now
    return now - this.#attackBegan > this.seconds * 1_000
  }

  /** For the story of a violation. */
  did(what: string): void {
    const at = ((performance.now() - this.#began) / 1_000).toFixed(1)
    this.#story.push(`${at} s: ${what}`)
    if (this.#story.length > mostStory) this.#story.shift()
  }

  violated(what: string): void {
    this.did(`Violation: ${what}`)
    if (this.#violations.length < mostViolations) this.#violations.push(what)
  }

  /** Nothing can be attacked here, because of this. */
  skip(why: string): void {
    this.#skipped = why
  }

  /** A server that ends with the turn; undefined, and a violation, where it does not start. */
  async start(options: Omit<ServerOptions, 'node'>): Promise<AttackedServer | undefined> {
    const server = this.launch(options)
    if (await server.starts()) return server
    this.violated('The server did not start')
    return undefined
  }

  /** The same without waiting for anything. */
  launch(options: Omit<ServerOptions, 'node'>): AttackedServer {
    const server = new AttackedServer({ ...options, node: this.node })
    this.#servers.push(server)
    return server
  }

  /** Lets honest clients in; whatever fails them is a violation. */
  async welcome(server: AttackedServer, options: Pick<HonestOptions, 'kinds' | 'ca'>): Promise<Honest> {
    const honest = server.welcome({ ...options, seed: this.seed, violated: what => this.violated(what) })
    await honest.goesOn()
    return honest
  }

  /** So many requests are to be answered, one after the other. */
  async serves(server: AttackedServer, requests = 4): Promise<void> {
    if (!server.isAlive) return this.violated('The arbiter has ended')
    for (let asked = 0; asked < requests; asked += 1) {
      const { error } = await server.ask('/')
      if (error !== undefined) this.violated(`A request was not answered: ${error}`)
    }
  }

  /**
   * HUP; a violation where the new generation does not serve before long. With two tries where a reload of a moment ago,
   * which may fail, can be taken for this one.
   */
  async reload(server: AttackedServer, tries: 1 | 2 = 1): Promise<void> {
    this.did('HUP')
    if ((await server.reloads()) || (tries === 2 && (await server.reloads()))) return
    this.violated(server.isAlive ? 'A good reload did not succeed' : 'The arbiter has ended')
  }

  /** What must hold when the attack is over, and at the stop. `expected` are lines of level error that must be there. */
  async examine(server: AttackedServer, before: Census | undefined, expected?: RegExp): Promise<void> {
    const { honest } = server
    if (!server.isAlive) return this.violated('The arbiter has ended')
    await honest?.goesOn()
    if (before !== undefined) {
      await honest?.stop()
      for (const fault of await findGrowth(before, () => server.census())) this.violated(fault)
    }
    await this.stop(server)
    this.examineLog(server, expected)
  }

  /** TERM, which has to end it. */
  async stop(server: AttackedServer): Promise<void> {
    await server.honest?.warn()
    this.did('TERM')
    if (await server.stops()) return
    const left = server.left.map(({ pid, command }) => `${pid} (${command})`)
    this.violated(`TERM did not end the server: ${left.join(', ')} live on`)
  }

  /** Lines that nobody expected: `critical` is never expected, `error` only where something made for it. */
  examineLog(server: AttackedServer, expected?: RegExp): void {
    const odd = server.log
      .split('\n')
      .filter(line => defect.test(line) || (crash.test(line) && expected?.test(line) !== true))
    for (const line of new Set(odd)) this.violated(`The log says: ${line}`)
  }

  /** Ends whatever lives. */
  async end(): Promise<Outcome> {
    for (const server of this.#servers) {
      await server.end()
      if (this.#violations.length === 0) rmSync(server.folder, { recursive: true, force: true })
      else server.tsicorn.write('attack.log', server.log)
    }
    const honest = this.#servers.flatMap(server => server.honest ?? [])
    return {
      adversary: this.#adversary,
      seed: this.seed,
      planned: this.seconds,
      answered: honest.reduce((sum, { answered }) => sum + answered, 0),
      explained: honest.reduce((sum, { explained }) => sum + explained, 0),
      violations: this.#violations,
      skipped: this.#skipped,
      story: this.#story,
      servers: this.#servers.map(({ folder, log }) => ({
        folder,
        tail: log.split('\n').slice(-mostTail).join('\n'),
      })),
      seconds: (performance.now() - this.#began) / 1_000,
    }
  }
}
