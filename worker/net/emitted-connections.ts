/**
 * Sees the connections that servers get, also those that an app hands to a server of its own with `emit('connection')`.
 */
import { Server } from 'node:net'
import type { Duplex } from 'node:stream'

/** What a server with filters emits for each connection that it accepts: `connection` comes after them, maybe late. */
export const accepted = 'tsicorn.accepted'

export interface ConnectionWatcher {
  /** A server is about to get a connection, from Node or from the app. */
  onConnection(server: Server, socket: Duplex): void
  /** A TLS server is about to get a connection whose handshake is done. */
  onSecure(server: Server, socket: Duplex): void
}

type Emit = (this: Server, name: string | symbol, ...args: unknown[]) => boolean

/**
 * Wraps `emit` of all servers, for the life of the process: listeners would be seen by the app, which may pass on what
 * is added to its server. It costs each event of a server a call.
 */
export function watchConnections(watcher: ConnectionWatcher): void {
  for (const prototype of prototypes()) {
    // Instruments put their own `emit` on the class of HTTP servers.
    if (prototype !== Server.prototype && !Object.hasOwn(prototype, 'emit')) continue
    const original = prototype.emit as Emit
    const emit: Emit = function (name, ...args) {
      if (name === 'connection') watcher.onConnection(this, args[0] as Duplex)
      else if (name === 'secureConnection') watcher.onSecure(this, args[0] as Duplex)
      return Reflect.apply(original, this, [name, ...args])
    }
    Object.defineProperty(prototype, 'emit', { value: emit, configurable: true, writable: true })
  }
}

function prototypes(): readonly Server[] {
  const http = process.getBuiltinModule('node:http')
  const https = process.getBuiltinModule('node:https')
  return [Server.prototype, http.Server.prototype, https.Server.prototype]
}
