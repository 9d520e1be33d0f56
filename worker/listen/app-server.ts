/**
 * Makes the app's own servers behave as the app expects while tsicorn controls them: listening, and closed when told
 * to.
 */
import type { Server } from 'node:net'
import type { InheritedListener } from '../protocol/messages.ts'
import { stopListening } from './accepting.ts'
import type { ListenRequest } from './listen-request.ts'

type Address = ReturnType<Server['address']>

/**
 * Makes the server report that it listens although it does not. `closed` is called when the app closes it, and returns
 * whether Node itself will emit `close`.
 */
export function showListening(server: Server, address: Address, closed: () => boolean = () => false): void {
  const close = (callback?: () => void): Server => {
    // The app may have kept this function, and calls it when the server listens in earnest.
    if (!isInForce(server, 'close', close))
      return Reflect.apply(prototypeOf(server).close, server, [callback])
    restoreServer(server)
    asked.delete(server)
    const isClosed = closed()
    // Node would tell it that the server does not listen.
    if (Object.hasOwn(server, 'close')) return server.close(callback && (() => callback()))
    if (callback !== undefined) server.once('close', callback)
    if (!isClosed) process.nextTick(() => server.emit('close'))
    return server
  }
  override(server, { address: () => address, listening: true, close })
}

/** Whether the app has not closed the server since. */
export function isShownListening(server: Server): boolean {
  return overrides.get(server)?.has('listening') === true
}

/** Restores the server's own members. */
export function restoreServer(server: Server): void {
  for (const name of overridden) restore(server, name)
}

/** Sets what `address()` returns: Node knows the path of a unix socket only when it bound the socket itself. */
export function overrideAddress(server: Server, address: Address): void {
  override(server, { address: () => address })
}

/** Hides events of this name from the app, until the returned function is called. */
export function suppressEvent(server: Server, event: string, onEvent: () => void): () => void {
  const { emit: original } = server
  let isOver = false
  const emit = (name: string, ...args: readonly unknown[]) => {
    if (isOver || name !== event) return Reflect.apply(original, server, [name, ...args])
    onEvent()
    return false
  }
  override(server, { emit })
  return () => {
    isOver = true
    restore(server, 'emit')
  }
}

/**
 * Call before a server stops accepting: the app sees it open until it closes it at its own end. The returned function
 * closes it where the app has not.
 */
export function deferClose(server: Server): () => void {
  let closes = server.listening
  let isOpen = true
  const release = suppressEvent(server, 'close', () => {
    closes = false
  })
  showListening(server, server.address(), () => {
    isOpen = false
    release()
    return closes
  })
  return () => {
    if (isOpen) server.close()
  }
}

const overridden = ['address', 'listening', 'close'] as const

interface Override {
  readonly value: unknown
  /** What the app had put there. */
  readonly own: PropertyDescriptor | undefined
}

const overrides = new WeakMap<Server, Map<string, Override>>()

function override(server: Server, members: Readonly<Record<string, unknown>>): void {
  const ours = overrides.get(server) ?? new Map<string, Override>()
  overrides.set(server, ours)
  for (const [name, value] of Object.entries(members)) {
    const before = Object.getOwnPropertyDescriptor(server, name)
    const known = ours.get(name)
    ours.set(name, { value, own: known !== undefined && before?.value === known.value ? known.own : before })
    Object.defineProperty(server, name, { value, configurable: true, writable: true })
  }
}

/** Puts back what the app had there; what it has put there since stays. */
function restore(server: Server, name: string): void {
  const known = overrides.get(server)?.get(name)
  if (known === undefined) return
  const isOurs = Object.getOwnPropertyDescriptor(server, name)?.value === known.value
  overrides.get(server)?.delete(name)
  if (!isOurs) return
  if (known.own === undefined) Reflect.deleteProperty(server, name)
  else Object.defineProperty(server, name, known.own)
}

function isInForce(server: Server, name: string, value: unknown): boolean {
  return overrides.get(server)?.get(name)?.value === value
}

function prototypeOf(server: Server): Server {
  return Object.getPrototypeOf(server)
}

/** The servers that the app has told to listen, and not only tsicorn. */
const asked = new WeakSet<Server>()

/** @throws as Node does where the app has told the server to listen already, and not closed it since */
export function refuseTwice(server: Server): void {
  if (!asked.has(server) || !server.listening) return
  const error = new Error('Listen method has been called more than once without closing.')
  throw Object.assign(error, { code: 'ERR_SERVER_ALREADY_LISTEN' })
}

/**
 * Makes the server, and the callback of `listen`, believe that it listens; `closed` is called when the app closes it.
 */
export function pretendListening(
  server: Server,
  request: ListenRequest,
  listener?: InheritedListener,
  closed?: () => boolean,
): Server {
  const {
    port = request.port ?? 0,
    host = request.host ?? '::',
    path = request.path,
  }: Partial<InheritedListener> = listener ?? {}
  asked.add(server)
  showListening(server, path ?? addressOf(host, port), closed)
  const { callback, signal } = request
  if (callback !== undefined) server.once('listening', callback)
  if (signal?.aborted) process.nextTick(() => server.close())
  else signal?.addEventListener('abort', () => server.close(), { once: true })
  process.nextTick(() => isShownListening(server) && server.emit('listening'))
  return server
}

/** As Node shows it: an app compares it with the addresses that it looks up. The arbiter binds IPv4 of a name first. */
function addressOf(host: string, port: number): Address {
  const address = host === 'localhost' ? '127.0.0.1' : host
  return { port, address, family: address.includes(':') ? 'IPv6' : 'IPv4' }
}

/** Makes a server that has begun to listen stop, for the arbiter to bind its address; the app sees it listening. */
export function pretendStillListening(server: Server): void {
  const address = server.address()
  const release = suppressEvent(server, 'close', () => release())
  stopListening(server)
  showListening(server, address)
}
