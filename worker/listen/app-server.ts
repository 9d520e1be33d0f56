/**
 * Makes the app's own servers behave as the app expects while tsicorn controls them: listening, and closed when told
 * to.
 */
import type { Server } from 'node:net'
import type { InheritedListener } from '../protocol/messages.ts'
import type { ListenRequest } from './listen-request.ts'

type Address = ReturnType<Server['address']>

/**
 * Makes the server report that it listens although it does not. `closed` is called when the app closes it, and returns
 * whether Node itself will emit `close`.
 */
export function showListening(server: Server, address: Address, closed: () => boolean = () => false): void {
  override(server, {
    address: () => address,
    listening: true,
    close(callback?: () => void) {
      restoreServer(server)
      if (callback !== undefined) server.once('close', callback)
      if (!closed()) process.nextTick(() => server.emit('close'))
      return server
    },
  })
}

/** Whether the app has not closed the server since. */
function isShownListening(server: Server): boolean {
  return Object.hasOwn(server, 'listening')
}

/** Restores the server's own members. */
export function restoreServer(server: Server): void {
  for (const name of overridden) Reflect.deleteProperty(server, name)
}

/** Sets what `address()` returns: Node knows the path of a unix socket only when it bound the socket itself. */
export function overrideAddress(server: Server, address: Address): void {
  override(server, { address: () => address })
}

/** Hides events of this name from the app, until the returned function is called. */
export function suppressEvent(server: Server, event: string, onEvent: () => void): () => void {
  const { emit } = server
  override(server, {
    emit(name: string, ...args: readonly unknown[]) {
      if (name !== event) return Reflect.apply(emit, server, [name, ...args])
      onEvent()
      return false
    },
  })
  return () => Reflect.deleteProperty(server, 'emit')
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

function override(server: Server, members: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(members)) {
    Object.defineProperty(server, name, { value, configurable: true, writable: true })
  }
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
