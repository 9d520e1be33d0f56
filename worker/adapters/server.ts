import { Server } from 'node:net'
import type { AppServer, Servable } from './adapter.ts'
import { hasMethods } from './members.ts'

/** `http.createServer(...)` and its kin, exported without having been told to listen. */
export function adoptServer(value: unknown): Servable | undefined {
  return isAppServer(value) ? { shape: shapeOf(value), server: value } : undefined
}

/** Tells servers of http, https and http2 from bare TCP servers, without loading modules that the app does not use. */
export function isAppServer(value: unknown): value is AppServer {
  if (!(value instanceof Server)) return false
  return hasMethods(value, 'closeIdleConnections') || hasMethods(value, 'updateSettings')
}

function shapeOf(server: AppServer): string {
  const secure = 'setSecureContext' in server
  if (hasMethods(server, 'updateSettings')) return secure ? 'http2.SecureServer' : 'http2.Server'
  return secure ? 'https.Server' : 'http.Server'
}
