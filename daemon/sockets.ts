/**
 * The listening sockets. The arbiter binds them and never accepts from them: workers inherit the descriptors and
 * listen. Everything that Node's versions do differently about that is in this file.
 */
import { lookup } from 'node:dns/promises'
import { lstatSync, statSync, unlinkSync } from 'node:fs'
import net from 'node:net'
import { dirname } from 'node:path'
import { getSystemErrorMap } from 'node:util'
import type { Address } from '../config/bind.ts'

/** A bound socket. */
export interface Listener {
  /** The address as configured, which is what identifies it across reloads. */
  readonly key: string
  /** `http://127.0.0.1:8000` or `unix:/run/app.sock`, with the port that was really bound. */
  readonly name: string
  readonly fd: number
  readonly host?: string
  readonly port?: number
  readonly path?: string
  close(): void
}

/** An address cannot be bound; `code` is the system's. */
export class BindError extends Error {
  readonly code: string

  constructor(address: Address, cause: NodeJS.ErrnoException) {
    const code = cause.code ?? 'UNKNOWN'
    super(`Cannot bind ${describeAddress(address)}: ${reasons[code] ?? cause.message}`, { cause })
    this.name = 'BindError'
    this.code = code
  }
}

/** Binds without accepting. Throws `BindError`. */
export async function bind(address: Address, { umask }: { umask: number }): Promise<Listener> {
  try {
    if (address.kind === 'fd') throw Object.assign(new Error('inherited descriptors'), { code: 'ENOTSUP' })
    if (address.kind === 'unix') {
      await clearStaleSocket(address.path)
      return toListener(
        address,
        withUmask(umask, () => boundSocket({ path: address.path })),
      )
    }
    const { port } = address
    const { address: host } = await lookup(address.host, { order: 'ipv4first' })
    if (port !== 0) await probe(host, port)
    return toListener(address, boundSocket({ host, port }))
  } catch (error) {
    throw error instanceof BindError ? error : new BindError(address, error as NodeJS.ErrnoException)
  }
}

export function describeAddress(address: Address): string {
  if (address.kind === 'fd') return `fd://${address.fd}`
  if (address.kind === 'unix') return `unix:${address.path}`
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the address is in use: stop the other server or choose another address with bind',
  ENOTSUP: 'inherited descriptors are not available yet: bind a host and port or a unix path',
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

/** A bound socket that nobody listens on yet is not exclusive, so a short listening socket finds out who is there. */
async function probe(host: string, port: number): Promise<void> {
  const server = net.createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, exclusive: true }, resolve)
  })
  await new Promise(resolve => server.close(resolve))
}

/** Removes a socket file that nobody listens on. */
async function clearStaleSocket(path: string): Promise<void> {
  if (Buffer.byteLength(path) > 107) throw Object.assign(new Error(path), { code: 'ENAMETOOLONG' })
  statSync(dirname(path))
  // `bigint` for the reason that `worker/log-file.ts` gives.
  const found = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isSocket()) throw Object.assign(new Error(path), { code: 'ENOTSOCK' })
  if (await answers(path)) throw Object.assign(new Error(path), { code: 'EADDRINUSE' })
  unlinkSync(path)
}

async function answers(path: string): Promise<boolean> {
  const socket = net.connect(path)
  return await new Promise(resolve => {
    socket.once('connect', () => resolve(true))
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'))
  }).then(answered => {
    socket.destroy()
    return answered as boolean
  })
}

function withUmask<T>(umask: number, make: () => T): T {
  const before = process.umask(umask)
  try {
    return make()
  } finally {
    process.umask(before)
  }
}

type BindOptions = { readonly host: string; readonly port: number } | { readonly path: string }

/** What Node 24.19 and 26.4 brought. */
interface BoundSocket {
  fd(): number
  address(): { readonly port?: number }
  close(): void
}

/** What older versions have instead: undocumented, and stable since Node 0.10 because `node:cluster` needs it. */
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
  const { _createServerHandle } = net as unknown as {
    _createServerHandle(address: string, port: number, type: 4 | 6 | -1): ServerHandle | number
  }
  const handle =
    'path' in options
      ? _createServerHandle(options.path, -1, -1)
      : _createServerHandle(options.host, options.port, net.isIPv6(options.host) ? 6 : 4)
  if (typeof handle !== 'number') return handle
  throw systemError(handle)
}

function systemError(errno: number): NodeJS.ErrnoException {
  const [code, message] = getSystemErrorMap().get(errno) ?? ['UNKNOWN', `error ${errno}`]
  return Object.assign(new Error(message), { code })
}

function toListener(address: Exclude<Address, { kind: 'fd' }>, { fd, port, close }: Handle): Listener {
  const key = describeAddress(address)
  if (address.kind === 'unix') return { key, name: key, fd, path: address.path, close }
  const bound = port ?? address.port
  const name = `http://${describeAddress({ ...address, port: bound })}`
  return { key, name, fd, host: address.host, port: bound, close }
}
