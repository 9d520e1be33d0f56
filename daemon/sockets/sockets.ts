/**
 * The listening sockets. The arbiter binds them and never accepts from them: workers inherit the descriptors and
 * listen. All that differs between versions of Node is in this file.
 */
import { closeSync } from 'node:fs'
import net from 'node:net'
import { getSystemErrorMap } from 'node:util'
import { type Address, describeAddress, ipv6Scheme, urlOf } from '../../config/kinds/bind-address.ts'
import { type Endpoint, endpointOf } from './descriptor.ts'
import { activatedPrefix, type InheritedDescriptor } from './inherited-fds.ts'
import {
  clearStaleSocket,
  closeKeeping,
  type FileIdentity,
  identify,
  removeSocketFile,
} from './socket-file.ts'

/** An address that a socket can be bound to. */
export type Bindable = Exclude<Address, { kind: 'fd' }>

/** A bound socket. */
export interface Listener {
  /** The address as configured; it identifies the listener across reloads and upgrades. */
  readonly key: string
  /** `http://127.0.0.1:8000` or `unix:/run/app.sock`, with the port that was actually bound. */
  readonly name: string
  /** Absent if every worker binds its own socket (`reuse_port`). */
  readonly fd?: number
  readonly host?: string
  readonly port?: number
  readonly ipv6Only?: true
  readonly path?: string
  /** The file of a unix socket that this arbiter, or one before it, bound; undefined if unknown. */
  readonly file?: FileIdentity | undefined
  /** Opened by the process that started this one, and closed only at the very end. */
  readonly given?: true
  /** Closes it; removes the file of a unix socket of ours, but no other file that has taken its name. */
  close(): void
}

/** An address cannot be bound; `code` is the system's error code. */
export class BindError extends Error {
  readonly code: string
  /** The address in the form of `Listener.key`. */
  readonly key: string

  constructor(address: Address, cause: NodeJS.ErrnoException) {
    const code = cause.code ?? 'UNKNOWN'
    super(`Cannot bind ${describeAddress(address)}: ${reasons[code] ?? cause.message}`, { cause })
    this.name = 'BindError'
    this.code = code
    this.key = describeAddress(address)
  }
}

/** Takes over a socket that was open when the process started. Throws `RangeError` if the descriptor is none. */
export function takeOver({ fd, key, file }: InheritedDescriptor): Listener {
  const endpoint = describeDescriptor(fd, key)
  const own = !key.startsWith('fd:') && !key.startsWith(activatedPrefix)
  const common = { key, fd, ...(own ? {} : { given: true as const }) }
  if (endpoint?.kind !== 'unix') {
    const name = endpoint === undefined ? `fd://${fd}` : `http://${describeAddress(endpoint)}`
    const family = key.startsWith(ipv6Scheme) ? { ipv6Only: true as const } : {}
    return { ...common, name, ...(endpoint && hostAndPort(endpoint)), ...family, close: () => closeSync(fd) }
  }
  const { path } = endpoint
  const close = () => {
    closeSync(fd)
    if (own) removeSocketFile(path, file)
  }
  return { ...common, name: `unix:${path}`, path, file, close }
}

function describeDescriptor(fd: number, key: string): Endpoint | undefined {
  try {
    return endpointOf(fd)
  } catch (error) {
    const cure = key.startsWith(activatedPrefix) ? 'check LISTEN_FDS and the socket unit' : 'check bind'
    throw new RangeError(`Cannot take over ${key}: ${(error as Error).message}: ${cure}`, { cause: error })
  }
}

function hostAndPort({ host, port }: { readonly host: string; readonly port: number }) {
  return { host, port }
}

/** A listener that every worker binds for itself. */
export function sharedPort(address: Extract<Address, { kind: 'tcp' }>): Listener {
  const { kind, ...rest } = address
  return { key: describeAddress(address), name: urlOf(address), ...rest, close: () => undefined }
}

/** Binds without accepting. Throws `BindError`. */
export async function bind(address: Bindable, { umask }: { umask: number }): Promise<Listener> {
  try {
    if (address.kind === 'unix') {
      await clearStaleSocket(address.path)
      return toListener(
        address,
        withUmask(umask, () => boundSocket({ path: address.path })),
      )
    }
    const { port, ipv6Only = false } = address
    const wanted = { host: await hostOf(address), port, ipv6Only }
    if (port !== 0) await probe(wanted)
    return toListener(address, boundSocket(wanted))
  } catch (error) {
    throw error instanceof BindError ? error : new BindError(address, error as NodeJS.ErrnoException)
  }
}

/** Resolves the host name of an address. Throws `BindError`. */
export async function hostOf(address: Extract<Address, { kind: 'tcp' }>): Promise<string> {
  try {
    if (net.isIP(address.host) !== 0) return address.host
    const { lookup } = await import('node:dns/promises')
    return (await lookup(address.host, { order: 'ipv4first' })).address
  } catch (error) {
    throw new BindError(address, error as NodeJS.ErrnoException)
  }
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the address is in use: stop the other server or choose another address with bind',
  EACCES: 'permission denied: use a port from 1024 on, a folder you may write to, or give the needed rights',
  EADDRNOTAVAIL: 'no interface of this machine has that address: choose one that `ip address` lists',
  ENOENT: 'the folder does not exist: create it first',
  ENOTDIR: 'a part of the path is not a folder: choose another path',
  ENOTSOCK: 'a file that is not a socket has that name: remove it or choose another path',
  ENOTFOUND: 'the host name is not known: check its spelling',
  EAI_AGAIN: 'the host name cannot be looked up now: use a numeric address',
  ENAMETOOLONG: 'the path of a unix socket may have 107 bytes at most: choose a shorter one',
}

interface Handle {
  readonly fd: number
  readonly port: number | undefined
  readonly close: () => void
}

/** A bound socket is not exclusive before it listens: a short-lived listening one finds out if the address is taken. */
async function probe(wanted: TcpOptions): Promise<void> {
  const server = net.createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ ...wanted, exclusive: true }, resolve)
  })
  await new Promise(resolve => server.close(resolve))
}

function withUmask<T>(umask: number, make: () => T): T {
  const before = process.umask(umask)
  try {
    return make()
  } finally {
    process.umask(before)
  }
}

interface TcpOptions {
  readonly host: string
  readonly port: number
  readonly ipv6Only: boolean
}

type BindOptions = TcpOptions | { readonly path: string }

/** Available from Node 24.19 and 26.4 on. */
interface BoundSocket {
  fd(): number
  address(): { readonly port?: number }
  close(): void
}

/** The equivalent in older versions: undocumented, but `node:cluster` has needed it since Node 0.10. */
interface ServerHandle {
  readonly fd: number
  getsockname?(out: { port?: number }): number
  close(): void
}

function boundSocket(options: BindOptions): Handle {
  const { BoundSocket } = net as unknown as { BoundSocket?: new (options: BindOptions) => BoundSocket }
  if (BoundSocket !== undefined) {
    const socket = new BoundSocket(options)
    return { fd: socket.fd(), port: socket.address()?.port, close: () => socket.close() }
  }
  const handle = createServerHandle(options)
  const name: { port?: number } = {}
  handle.getsockname?.(name)
  return { fd: handle.fd, port: name.port, close: () => handle.close() }
}

function createServerHandle(options: BindOptions): ServerHandle {
  const { _createServerHandle: create } = net as unknown as {
    _createServerHandle(
      address: string,
      port: number,
      type: 4 | 6 | -1,
      fd?: number,
      /** libuv's `UV_TCP_IPV6ONLY` is 1. */
      flags?: number,
    ): ServerHandle | number
  }
  const handle =
    'path' in options
      ? create(options.path, -1, -1)
      : create(
          options.host,
          options.port,
          net.isIPv6(options.host) ? 6 : 4,
          undefined,
          Number(options.ipv6Only),
        )
  if (typeof handle !== 'number') return handle
  throw systemError(handle)
}

function systemError(errno: number): NodeJS.ErrnoException {
  const [code, message] = getSystemErrorMap().get(errno) ?? ['UNKNOWN', `error ${errno}`]
  return Object.assign(new Error(message), { code })
}

function toListener(address: Bindable, { fd, port, close }: Handle): Listener {
  const key = describeAddress(address)
  if (address.kind === 'unix') {
    const { path } = address
    const file = identify(path)
    return { key, name: key, fd, path, file, close: () => closeKeeping(path, file, close) }
  }
  const { kind, ...rest } = { ...address, port: port ?? address.port }
  return { key, name: urlOf(rest), fd, ...rest, close }
}
