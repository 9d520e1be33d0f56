/** Compares the address an app listens on with those of the inherited sockets. */
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import type { InheritedListener } from '../protocol/messages.ts'
import type { ListenRequest } from './listen-request.ts'

const wildcards = new Set(['', '0.0.0.0', '::', '[::]'])

/** Whether the app names another host than the listener has, so that other clients than it wants would reach it. */
export function contradicts({ host }: ListenRequest, listener: InheritedListener): boolean {
  if (host === undefined || listener.host === undefined || wildcards.has(host)) return false
  if (isLoopback(host)) return !isLoopback(listener.host)
  // Other names would have to be resolved.
  return isIP(host) !== 0 && host !== listener.host
}

/** Whether the app names any other host than that of the listener, as far as that can be told. */
export function differs({ host }: ListenRequest, listener: InheritedListener): boolean {
  if (host === undefined || listener.host === undefined) return false
  if (wildcards.has(host)) return !wildcards.has(listener.host)
  return wildcards.has(listener.host) || contradicts({ host }, listener)
}

/** Whether the host is this machine, as far as its name tells. */
export function isLocal({ host }: ListenRequest, listener: InheritedListener): boolean {
  return host === undefined || wildcards.has(host) || isLoopback(host) || host === listener.host
}

function isLoopback(host: string): boolean {
  return ['localhost', '127.0.0.1', '::1'].includes(host)
}

/** The request in the form of `bind`. */
export function bindOf({ host = '::', port, ipv6Only, path }: ListenRequest): string {
  if (path !== undefined) return `unix:${resolve(path)}`
  const name = host === '' ? '::' : host
  return `${ipv6Only ? 'tcp6://' : ''}${name.includes(':') ? `[${name}]` : name}:${port}`
}

/** Whether the listener is on the port or path of the request, whatever its host. */
export function matches(listener: InheritedListener, request: ListenRequest): boolean {
  if (request.path !== undefined)
    return listener.path !== undefined && resolve(request.path) === resolve(listener.path)
  return (
    request.port !== undefined &&
    request.port !== 0 &&
    listener.port === request.port &&
    listener.ipv6Only === request.ipv6Only
  )
}

/** Whether they are two addresses by number: one that was bound for the app is no place for its server at the other. */
export function isApart(
  { host = '' }: ListenRequest,
  { host: bound = '', of_app }: InheritedListener,
): boolean {
  const areNumbers = [host, bound].every(one => isIP(one) !== 0 && !wildcards.has(one))
  return of_app && areNumbers && host !== bound
}

/** Whether the address is fixed, rather than chosen by the kernel. */
export function isFixed({ port, path }: ListenRequest): boolean {
  return path !== undefined || (port !== undefined && port !== 0)
}

/** Whether the app names no address. */
export function isOpen({ port, path }: ListenRequest): boolean {
  return port === undefined && path === undefined
}

/** For messages: `port 3000 of localhost`. */
export function describeListen({ port, path, host }: ListenRequest): string {
  if (path !== undefined) return resolve(path)
  return host === undefined ? `port ${port ?? 0}` : `port ${port ?? 0} of ${host}`
}
