/** The storm: lifecycle events, one after another, in an order determined by the seed. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Tsicorn } from '../support/tsicorn.ts'
import type { Random } from './client/random.ts'
import { readRoster } from './roster.ts'

export interface StormOptions {
  readonly tsicorn: Tsicorn
  readonly workers: number
  readonly random: Random
  /** Called just before a worker is killed with -9; undefined for no kills. */
  readonly onKill: ((worker: number) => void) | undefined
}

export type EventName =
  | 'HUP'
  | 'HUP while reloading'
  | 'TERM of a worker'
  | 'TERM of a worker while reloading'
  | 'TTIN'
  | 'TTOU'
  | 'recycling'
  | 'USR1'
  | 'KILL of a worker'

/** How often each event comes, relative to the others. */
const shares: Readonly<Record<EventName, number>> = {
  HUP: 8,
  'HUP while reloading': 2,
  'TERM of a worker': 6,
  'TERM of a worker while reloading': 2,
  TTIN: 4,
  TTOU: 4,
  recycling: 5,
  USR1: 3,
  'KILL of a worker': 6,
}

/** How long to wait until the log reports a worker that is gone, in milliseconds. */
const goneMs = 50

/** How many more workers than configured there may be. */
const mostExtra = 2

export class Storm {
  readonly counts = new Map<EventName, number>()
  readonly #options: StormOptions
  #wanted: number
  #reloads = 0

  constructor(options: StormOptions) {
    this.#options = options
    this.#wanted = options.workers
  }

  /** Triggers one event; resolves when the log says that it is over. */
  async next(): Promise<EventName> {
    const name = this.#choose()
    await this.#deeds[name]()
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1)
    return name
  }

  /** Returns to the configured number of workers, all of a new generation. */
  async end(): Promise<void> {
    while (this.#wanted > this.#options.workers) await this.#deeds.TTOU()
    await this.#deeds.HUP()
  }

  readonly #deeds: Readonly<Record<EventName, () => Promise<void>>> = {
    HUP: async () => {
      await this.#beginReload()
      await this.#endReload()
    },
    'HUP while reloading': async () => {
      await this.#beginReload()
      await this.#options.tsicorn.says(/Booting worker \d+/)
      await this.#beginReload()
      await this.#endReload()
    },
    'TERM of a worker': () => this.#terminate(),
    'TERM of a worker while reloading': async () => {
      await this.#beginReload()
      await this.#options.tsicorn.says(/Booting worker \d+/)
      await this.#signalWorker('SIGTERM')
      await this.#endReload()
    },
    TTIN: async () => {
      this.#wanted += 1
      this.#signal('SIGTTIN')
      await this.#options.tsicorn.says(/Wanted: \d+ workers/)
      await this.#options.tsicorn.says(/Worker \d+ \(pid \d+\) is ready/)
    },
    TTOU: async () => {
      this.#wanted -= 1
      this.#signal('SIGTTOU')
      await this.#options.tsicorn.says(/exited with code 0/)
    },
    recycling: async () => {
      await this.#options.tsicorn.says(/exited with code 0: max_/)
    },
    USR1: async () => {
      this.#signal('SIGUSR1')
      await this.#options.tsicorn.says(/Handling signal: usr1/)
    },
    'KILL of a worker': async () => {
      const worker = await this.#signalWorker('SIGKILL', this.#options.onKill)
      await this.#options.tsicorn.says(new RegExp(`\\(pid ${worker}\\) was ended by SIGKILL`))
      await this.#options.tsicorn.says(/Worker \d+ \(pid \d+\) is ready/)
    },
  }

  async #terminate(): Promise<void> {
    const worker = await this.#signalWorker('SIGTERM')
    await this.#options.tsicorn.says(new RegExp(`\\(pid ${worker}\\) exited with code 0`))
  }

  async #beginReload(): Promise<void> {
    this.#reloads += 1
    this.#signal('SIGHUP')
    await this.#options.tsicorn.says(new RegExp(`Reload ${this.#reloads}: reading`))
  }

  async #endReload(): Promise<void> {
    await this.#options.tsicorn.says(new RegExp(`Reload ${this.#reloads}: generation \\d+ serves`))
  }

  /** Signals a serving worker; one that was leaving may be gone before the log says so. */
  async #signalWorker(name: NodeJS.Signals, before?: (worker: number) => void): Promise<number> {
    for (;;) {
      const worker = this.#pick()
      try {
        before?.(worker)
        process.kill(worker, name)
        return worker
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
        await sleep(goneMs)
      }
    }
  }

  #signal(name: NodeJS.Signals): void {
    this.#options.tsicorn.signal(name)
  }

  /** The pid of a serving worker. */
  #pick(): number {
    const serving = readRoster(this.#options.tsicorn.log).filter(
      ({ isReady, hasEnded }) => isReady && !hasEnded,
    )
    return serving[Math.floor(this.#options.random() * serving.length)]!.pid
  }

  #choose(): EventName {
    const possible = (Object.keys(shares) as EventName[]).filter(name => this.#isPossible(name))
    const sum = possible.reduce((sum, name) => sum + shares[name], 0)
    let rest = this.#options.random() * sum
    for (const name of possible) {
      rest -= shares[name]
      if (rest < 0) return name
    }
    return 'HUP'
  }

  #isPossible(name: EventName): boolean {
    if (name === 'TTIN') return this.#wanted < this.#options.workers + mostExtra
    if (name === 'TTOU') return this.#wanted > this.#options.workers
    return name !== 'KILL of a worker' || this.#options.onKill !== undefined
  }
}
