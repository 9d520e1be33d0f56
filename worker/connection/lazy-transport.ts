/** Creates the transport where TLS or HTTP/2 is configured, loads its modules only then, and renews its certificate. */
import type { HookCaller } from '../../hooks/run.ts'
import type { WorkerLog } from '../process/log.ts'
import type { Start, TlsMaterial } from '../protocol/messages.ts'
import type { Connections } from './connections.ts'
import type { Transport } from './transport.ts'

export class LazyTransport {
  readonly #start: Start
  readonly #connections: Connections
  readonly #log: WorkerLog
  #tls: TlsMaterial | undefined
  #transport: Promise<Transport> | undefined

  constructor(start: Start, connections: Connections, log: WorkerLog) {
    this.#start = start
    this.#connections = connections
    this.#log = log
    this.#tls = start.tls
  }

  /** Resolves with undefined where connections go straight to the server. Rejects with `HookError` or `TlsFailed`. */
  async open(hooks: HookCaller): Promise<Transport | undefined> {
    const { settings } = this.#start
    const tls = this.#tls
    if (tls === undefined && settings.http2_cleartext === 'off') return undefined
    const { createTransport } = await import('./transport.ts')
    this.#transport = createTransport({
      settings,
      tls,
      hooks,
      connections: this.#connections,
      log: this.#log,
    })
    return await this.#transport
  }

  /** Uses this certificate from now on; the old one stays where the new one cannot be used. */
  async renew(tls: TlsMaterial): Promise<void> {
    this.#tls = tls
    try {
      const transport = await this.#transport
      await transport?.renew(tls)
    } catch (error) {
      this.#log.error(`The old certificate stays: ${(error as Error).message}`)
    }
  }
}
