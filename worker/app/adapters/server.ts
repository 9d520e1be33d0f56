/** Adapts servers of http, https and http2. */
import { Server, type Socket } from 'node:net'
import type { AppServer, SecureServer, Servable } from '../../http/types.ts'
import { hasMethods } from './members.ts'

/** Accepts a server that was exported and does not listen yet. */
export function adaptServer(value: unknown): Servable | undefined {
  return isAppServer(value) ? { shape: shapeOf(value), server: value } : undefined
}

/** Tells HTTP servers from plain TCP servers, without loading modules that the app does not use. */
export function isAppServer(value: unknown): value is AppServer {
  if (!(value instanceof Server)) return false
  return hasMethods(value, 'closeIdleConnections') || hasMethods(value, 'updateSettings')
}

/** Whether it is a plain server without a listener for connections, such as look for free ports. */
export function servesNothing(server: Server): boolean {
  return !isAppServer(server) && server.listenerCount('connection') === 0
}

/** Removes the listeners of an event, unheard by an app that would remove them from its other servers as well. */
export function takeListeners(server: Server, event: string): readonly ((...args: never) => unknown)[] {
  const own = Object.getOwnPropertyDescriptor(server, 'emit')
  const listeners = server.listeners(event)
  Object.defineProperty(server, 'emit', { value: () => false, configurable: true })
  server.removeAllListeners(event)
  if (own === undefined) Reflect.deleteProperty(server, 'emit')
  else Object.defineProperty(server, 'emit', own)
  return listeners as ((...args: never) => unknown)[]
}

/** Gives a connection to a server, as if that had accepted it. */
export function forward(socket: Socket, server: Server & { readonly allowHalfOpen?: boolean }): void {
  if (!isAppServer(server)) socket.allowHalfOpen = server.allowHalfOpen === true
  server.emit('connection', socket)
}

/** Whether it terminates TLS itself. */
export function isSecure(server: AppServer): server is SecureServer {
  return 'setSecureContext' in server
}

/** Whether it speaks HTTP/2, with or without TLS. */
export function isHttp2(server: AppServer): boolean {
  return hasMethods(server, 'updateSettings')
}

export function shapeOf(server: AppServer): string {
  const secure = isSecure(server)
  if (isHttp2(server)) return secure ? 'http2.SecureServer' : 'http2.Server'
  return secure ? 'https.Server' : 'http.Server'
}
