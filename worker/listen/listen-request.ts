/** Reads the arguments of `server.listen(...)`. */
import { isIPv6 } from 'node:net'
import type { InheritedListener } from '../protocol/messages.ts'

/** What a call of `listen` asks for, in any of its many forms. */
export interface ListenRequest {
  /** Absent for `listen()`, and for a PORT that is not set. */
  readonly port?: number | undefined
  readonly host?: string
  /** IPv4 connections go to another socket. */
  readonly ipv6Only?: true
  readonly path?: string
  readonly backlog?: number
  readonly signal?: AbortSignal
  readonly callback?: () => void
}

/**
 * Returns undefined when the arguments name a descriptor or a handle instead of an address, or an invalid port, for
 * which Node throws.
 */
export function readListen(args: readonly unknown[]): ListenRequest | undefined {
  const last = args.at(-1)
  const callback = typeof last === 'function' ? { callback: last as () => void } : {}
  const [first, ...rest] = args
  if (typeof first === 'object' && first !== null) return fromOptions(first, callback)
  const backlog = rest.find(arg => typeof arg === 'number')
  const host = rest.find(arg => typeof arg === 'string')
  const optional = {
    ...callback,
    ...(backlog === undefined ? {} : { backlog }),
    ...(host === undefined ? {} : { host }),
  }
  const port = portOf(first)
  if (port !== undefined) return isPort(port) ? { ...optional, port } : undefined
  if (typeof first === 'string') return { ...optional, path: first }
  return optional
}

function fromOptions(
  options: object,
  callback: { readonly callback?: () => void },
): ListenRequest | undefined {
  const { port, host, ipv6Only, path, backlog, signal, fd, handle, _handle } = options as Record<
    string,
    unknown
  >
  if ([fd, handle, _handle].some(given => given !== undefined)) return undefined
  const number = portOf(port)
  if (number !== undefined && !isPort(number)) return undefined
  return {
    ...callback,
    ...(number === undefined ? {} : { port: number }),
    ...(typeof host === 'string' ? { host } : {}),
    ...(ipv6Only && (host === undefined || isIPv6(String(host))) ? { ipv6Only: true } : {}),
    ...(typeof path === 'string' && number === undefined ? { path } : {}),
    ...(typeof backlog === 'number' ? { backlog } : {}),
    ...(signal instanceof AbortSignal ? { signal } : {}),
  }
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 0 && port <= 65_535
}

/** A number, or text that is one, like `process.env.PORT`. */
function portOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  return typeof value === 'string' && /^\s*\d+\s*$/.test(value) ? Number(value) : undefined
}

/** The options to listen with: an inherited descriptor, or the address of a socket of the worker's own. */
export function targetOf({ reuse_port, host, port, ipv6Only }: InheritedListener, fd: number) {
  return reuse_port ? { host, port, ipv6Only: ipv6Only === true, reusePort: true } : { fd }
}
