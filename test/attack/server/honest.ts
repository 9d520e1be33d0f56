/** The honest clients beside an attack: a modest, steady load of which nothing may be lost. */
import type { Failure } from '../../loss/client/client-messages.ts'
import { Load } from '../../loss/load.ts'
import { type Excuse, Excuses } from './excuses.ts'
import { becomes, within } from './patience.ts'

export interface HonestOptions {
  readonly tcp: { readonly host: string; readonly port: number }
  readonly unix: { readonly path: string }
  readonly ca?: string | undefined
  /** Names of the kinds of `test/loss/client/kinds.ts`. */
  readonly kinds: readonly string[]
  readonly seed: number
  readonly violated: (what: string) => void
}

/** How long a client thinks between two requests, in milliseconds. */
const pause = 60

/** How long it may take until a client that waits for an answer gives up, in seconds. */
const patience = 25

export class Honest {
  readonly #load: Load
  readonly #violated: (what: string) => void
  readonly #excuses = new Excuses()
  #isOver = false

  constructor({ ca, violated, ...options }: HonestOptions) {
    this.#violated = violated
    this.#load = new Load({
      ...options,
      ...(ca === undefined ? {} : { ca }),
      pause,
      onFailure: (verdict, failure) => violated(`An honest request failed: ${verdict}: ${describe(failure)}`),
      explains: failure => this.#excuses.explains(failure),
    })
  }

  get answered(): number {
    return this.#load.total
  }

  /** Requests that failed, and were explained by what was done. */
  get explained(): number {
    return this.#load.verdicts.get('explained') ?? 0
  }

  /** What is to be done explains what fails, until the returned function is called. */
  excuse(excuse: Excuse): () => void {
    return this.#excuses.begin(excuse)
  }

  /** So many more requests are to be answered. */
  async goesOn(requests = 20): Promise<void> {
    const goal = this.#load.total + requests
    if (await becomes(() => this.#load.total >= goal, patience)) return
    const missing = goal - this.#load.total
    this.#violated(`Of ${requests} more honest requests ${missing} were not answered within ${patience} s`)
  }

  /** Tells the clients that the server is about to stop. */
  async warn(): Promise<void> {
    if (!this.#isOver) await within(this.#load.warn(), patience)
  }

  async stop(): Promise<void> {
    if (this.#isOver) return
    this.#isOver = true
    this.#load.stop()
    await within(this.#load.ends(), patience)
  }
}

function describe({ kind, id, detail, before, idle, worker, began, ended }: Failure): string {
  const when = new Date(ended).toISOString().slice(11, 23)
  const connection = `${before} answers on this connection before, ${idle.toFixed(0)} ms ago, worker ${worker ?? 'unknown'}`
  return `${kind}, request ${id} at ${when}: ${detail} in ${ended - began} ms (${connection})`
}
