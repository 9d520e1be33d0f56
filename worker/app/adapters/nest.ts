/** Adapts NestJS applications. */
import type { AppServer, Servable } from '../../http/types.ts'
import { hasMethods } from './members.ts'

interface Nest {
  init(): Promise<unknown>
  getHttpAdapter(): unknown
  getHttpServer(): AppServer
  close(): Promise<void>
  /** The signals that it handles after `enableShutdownHooks`. */
  readonly activeShutdownSignals?: readonly string[]
}

/** Serves through the application's own server, on every platform, so that attached gateways work. */
export function adaptNest(value: unknown): Promise<Servable> | undefined {
  return isNest(value) ? adapt(value) : undefined
}

async function adapt(app: Nest): Promise<Servable> {
  await app.init()
  await makeReady(app.getHttpAdapter())
  const close = async () => {
    // With shutdown hooks it has already closed itself, on a signal.
    if (!app.activeShutdownSignals?.length) await app.close()
  }
  return { shape: 'NestJS application', server: app.getHttpServer(), close }
}

/** Fastify has no routes before `ready`, and Nest calls that only in `listen`. */
async function makeReady(adapter: unknown): Promise<void> {
  const instance = hasMethods(adapter, 'getInstance') ? adapter.getInstance() : undefined
  if (hasMethods(instance, 'ready', 'routing')) await instance.ready()
}

function isNest(value: unknown): value is Nest {
  return hasMethods(value, 'init', 'getHttpAdapter', 'getHttpServer', 'close')
}
