/** Adapts servers of http, https and http2. */
import { Server } from 'node:net'
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
