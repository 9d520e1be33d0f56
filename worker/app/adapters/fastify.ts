/** Adapts Fastify applications. */
import type { AppServer, Servable } from '../../http/types.ts'
import { hasMethods, isObject } from './members.ts'

interface Fastify {
  readonly server: AppServer
  ready(): PromiseLike<unknown>
  close(): PromiseLike<unknown>
}

/**
 * Serves through the application's own server instead of its `routing` function, so that TLS, HTTP/2, time limits and
 * what plugins attached to the server (WebSockets) stay as they are.
 */
export function adaptFastify(value: unknown): Promise<Servable> | undefined {
  return isFastify(value) ? adapt(value) : undefined
}

async function adapt(app: Fastify): Promise<Servable> {
  await app.ready()
  return { shape: 'Fastify application', server: app.server, close: async () => void (await app.close()) }
}

function isFastify(value: unknown): value is Fastify {
  return hasMethods(value, 'ready', 'routing', 'close') && isObject(value) && hasFastifyState(value)
}

/** The scope of a plugin inherits from the root instance, so the prototypes are checked too. */
function hasFastifyState(value: object | null): boolean {
  if (value === null) return false
  if (Object.getOwnPropertySymbols(value).some(symbol => symbol.description === 'fastify.state')) return true
  return hasFastifyState(Object.getPrototypeOf(value))
}
