import type { AppServer, Servable } from './adapter.ts'
import { hasMethods } from './members.ts'

interface Nest {
  init(): Promise<unknown>
  getHttpAdapter(): unknown
  getHttpServer(): AppServer
  close(): Promise<void>
}

/** A NestJS application, on whatever platform: its server is adopted, so gateways attached to it work. */
export function adoptNest(value: unknown): Promise<Servable> | undefined {
  return isNest(value) ? adopt(value) : undefined
}

async function adopt(app: Nest): Promise<Servable> {
  await app.init()
  return { shape: 'NestJS application', server: app.getHttpServer(), close: () => app.close() }
}

function isNest(value: unknown): value is Nest {
  return hasMethods(value, 'init', 'getHttpAdapter', 'getHttpServer', 'close')
}
