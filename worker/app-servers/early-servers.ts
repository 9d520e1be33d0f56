/** Servers that the app starts while it is being loaded: they get connections before the worker serves. */
import type { Server } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { isAppServer, isHttp2 } from '../app/adapters/server.ts'
import type { AppServer, RequestListener, UpgradeListener } from '../app/load.ts'
import type { Connections } from '../connection/connections.ts'
import { stopListening } from '../listen/accepting.ts'
import { deferClose } from '../listen/app-server.ts'
import { emptyQueues } from '../listen/empty-queues.ts'
import type { InheritedListener } from '../protocol/messages.ts'

/** Removes the trackers of a server whose requests are tracked in no other way yet. */
const trackers = new WeakMap<AppServer, () => void>()

/** Call before the requests of a server are tracked in another way; others may have copied its listeners. */
export function endEarlyTracking(server: AppServer): void {
  const end = trackers.get(server)
  trackers.delete(server)
  end?.()
}

export class EarlyServers {
  readonly #connections: Connections
  readonly #open = new Map<Server, InheritedListener>()
  readonly #closers: (() => void)[] = []

  constructor(connections: Connections) {
    this.#connections = connections
  }

  get size(): number {
    return this.#open.size
  }

  /** Call before it listens. */
  add(server: Server, listener: InheritedListener): void {
    this.#open.set(server, listener)
    server.once('close', () => this.#open.delete(server))
    if (isAppServer(server)) this.track(server)
  }

  /** Call before it gets its first connection. */
  track(server: AppServer): void {
    // With a listener for requests, Node itself would answer the streams, which the app answers.
    if (isHttp2(server) && server.listenerCount('request') === 0) return
    if (trackers.has(server)) return
    const tracker: RequestListener = (req, res) => {
      if (trackers.has(server)) this.#connections.trackRequest(req, res)
    }
    const endUpgrades = this.#trackUpgrades(server)
    trackers.set(server, () => {
      server.off('request', tracker)
      endUpgrades()
    })
    server.prependListener('request', tracker)
  }

  /** As soon as the app handles upgrades: Node takes them for requests where nobody listens. */
  #trackUpgrades(server: AppServer): () => void {
    const tracker: UpgradeListener = ({ headers }, socket) => {
      if (trackers.has(server)) this.#connections.addUpgraded(socket, headers.upgrade)
    }
    const onListener = (event: unknown) => {
      if (event !== 'upgrade') return
      server.off('newListener', onListener)
      server.prependListener('upgrade', tracker)
    }
    if (server.listenerCount('upgrade') > 0) server.prependListener('upgrade', tracker)
    else server.on('newListener', onListener)
    return () => {
      server.off('newListener', onListener)
      server.off('upgrade', tracker)
    }
  }

  /** Stops accepting, after taking the connections that nobody else would take. */
  async stopAccepting(abandoned: readonly number[], by: number): Promise<void> {
    await emptyQueues(
      Array.from(this.#open, ([server, listener]) => ({ server, listener })),
      abandoned,
      by,
      this.#connections.turns,
    )
    for (const server of this.#open.keys()) {
      if (!server.listening) continue
      this.#closers.push(deferClose(server))
      stopListening(server)
    }
  }

  /** Closes those that the app has not closed itself, and lets it hear of that. */
  async close(): Promise<void> {
    for (const close of this.#closers) close()
    if (this.#closers.length > 0) await turn()
  }
}
