/** Servers that the app starts while it is being loaded: they get connections before the worker serves. */
import type { AppServer } from '../app/load.ts'
import type { Connections } from '../connection/connections.ts'
import type { RequestListener } from '../http/types.ts'
import { stopListening } from '../listen/accepting.ts'
import { deferClose } from '../listen/app-server.ts'
import { emptyQueues } from '../listen/empty-queues.ts'
import type { InheritedListener } from '../protocol/messages.ts'

const trackers = new WeakMap<AppServer, RequestListener>()

/** Call when the requests of a server are tracked in another way. */
export function endEarlyTracking(server: AppServer): void {
  const tracker = trackers.get(server)
  if (tracker !== undefined) server.off('request', tracker)
}

export class EarlyServers {
  readonly #connections: Connections
  readonly #all: { readonly server: AppServer; readonly listener: InheritedListener }[] = []
  #closers: readonly (() => void)[] = []
  #isStopping = false

  constructor(connections: Connections) {
    this.#connections = connections
  }

  /** Call before it listens. */
  add(server: AppServer, listener: InheritedListener): void {
    const tracker: RequestListener = (req, res) => this.#connections.trackRequest(req, res)
    trackers.set(server, tracker)
    server.prependListener('request', tracker)
    this.#all.push({ server, listener })
  }

  /** Stops accepting, after taking the connections that nobody else would take. */
  async stopAccepting(abandoned: readonly number[]): Promise<void> {
    if (this.#isStopping) return
    this.#isStopping = true
    const left = this.#all.filter(({ listener }) => listener.reuse_port || abandoned.includes(listener.fd))
    if (left.length > 0) await emptyQueues(left.map(({ server }) => server))
    this.#closers = this.#all.map(({ server }) => deferClose(server))
    for (const { server } of this.#all) stopListening(server)
  }

  /** Closes those that the app has not closed itself. */
  close(): void {
    for (const close of this.#closers) close()
  }
}
