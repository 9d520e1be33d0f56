/** Has a front made where one is wanted, and keeps it up to date; its modules are loaded only then. */
import type { HookCaller } from '../../hooks/run.ts'
import type { WorkerLog } from '../process/log.ts'
import type { Start, TlsMaterial } from '../protocol/messages.ts'
import type { Connections } from './connections.ts'
import type { Front } from './transport.ts'

export class Gate {
  readonly #start: Start
  readonly #connections: Connections
  readonly #log: WorkerLog
  #tls: TlsMaterial | undefined
  #front: Promise<Front> | undefined

  constructor(start: Start, connections: Connections, log: WorkerLog) {
    this.#start = start
    this.#connections = connections
    this.#log = log
    this.#tls = start.tls
  }

  /** Undefined where connections go straight to the server. Rejects with `HookError` or `TlsFailed`. */
  async open(hooks: HookCaller): Promise<Front | undefined> {
    const { settings } = this.#start
    const tls = this.#tls
    if (tls === undefined && settings.http2_cleartext === 'off') return undefined
    const { createFront } = await import('./transport.ts')
    this.#front = createFront({ settings, tls, hooks, connections: this.#connections, log: this.#log })
    return await this.#front
  }

  /** From now on with this certificate; the old one stays where that cannot be. */
  async renew(tls: TlsMaterial): Promise<void> {
    this.#tls = tls
    try {
      const front = await this.#front
      await front?.renew(tls)
    } catch (error) {
      this.#log.error(`The old certificate stays: ${(error as Error).message}`)
    }
  }
}
