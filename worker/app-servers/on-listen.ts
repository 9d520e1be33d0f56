/** Prepares the servers of an app that is still loading: they may get connections at once. */
import type { Server } from 'node:net'
import { isAppServer } from '../app/adapters/server.ts'
import type { Connections } from '../connection/connections.ts'
import type { ListenerFilter } from '../connection/listener-filters.ts'
import type { Transport } from '../connection/transport.ts'
import type { InheritedListener } from '../protocol/messages.ts'
import type { EarlyServers } from './early-servers.ts'
import type { PlainServers } from './plain-servers.ts'
import { trackConnections } from './wrap-server.ts'

export interface ListenParts {
  readonly connections: Connections
  readonly early: EarlyServers
  readonly plain: PlainServers
  readonly listenerFilter: ListenerFilter | undefined
  readonly transport: Transport | undefined
}

/** Returns a function to call before a server listens. */
export function prepareEarly({ connections, early, plain, listenerFilter, transport }: ListenParts) {
  return (server: Server, listener: InheritedListener) => {
    if (!isAppServer(server)) plain.add(server)
    listenerFilter?.install(server)
    early.add(server, listener)
    if (!isAppServer(server)) return
    transport?.attach(server)
    trackConnections(server, connections)
  }
}
