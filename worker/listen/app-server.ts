/** What an app sees of a server of its own that tsicorn has in its hands: that it listens, and that it closes when it is told to. */
import type { Server } from 'node:net'
import type { InheritedListener } from '../protocol/messages.ts'
import type { ListenRequest } from './listen-request.ts'

type Address = ReturnType<Server['address']>

/**
 * The server says that it listens, although it does not. `closed` hears when the app closes it, and says whether Node tells that
 * it is closed.
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

/** Whether the app has not closed it since. */
function isShownListening(server: Server): boolean {
  return Object.hasOwn(server, 'listening')
}

/** From now on the server speaks for itself again. */
export function restoreServer(server: Server): void {
  for (const name of overridden) Reflect.deleteProperty(server, name)
}

/** Node knows the path of a pipe only when it bound the pipe itself. */
export function overrideAddress(server: Server, address: Address): void {
  override(server, { address: () => address })
}

/** The events of this name are not the app's to hear, until the returned function is called. */
export function suppressEvent(server: Server, event: string, heard: () => void): () => void {
  const { emit } = server
  override(server, {
    emit(name: string, ...args: readonly unknown[]) {
      if (name !== event) return Reflect.apply(emit, server, [name, ...args])
      heard()
      return false
    },
  })
  return () => Reflect.deleteProperty(server, 'emit')
}

/**
 * To be called when a server no longer accepts. Its app closes it when the app comes to its end; the returned function does, where
 * the app has not.
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

/** Tells the server that it listens, and nothing else; `closed` hears when it is closed. */
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
  showListening(server, path ?? { port, address: host, family: host.includes(':') ? 'IPv6' : 'IPv4' }, closed)
  const { callback, signal } = request
  if (callback !== undefined) server.once('listening', callback)
  if (signal?.aborted) process.nextTick(() => server.close())
  else signal?.addEventListener('abort', () => server.close(), { once: true })
  process.nextTick(() => isShownListening(server) && server.emit('listening'))
  return server
}
