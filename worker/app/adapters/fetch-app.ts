/** Adapts apps with a fetch handler. */
import { isCovered } from '../../fetch/early.ts'
import type { FetchHandler } from '../../fetch/listener.ts'
import type { Servable } from '../../http/types.ts'
import { hasMethods } from './members.ts'

/**
 * Accepts `{ fetch }` (Hono, h3, Elysia, `export default { fetch }`) and functions of one parameter, `(request) =>
 * Response`.
 */
export async function adaptFetch(value: unknown): Promise<Servable | undefined> {
  const handler = handlerOf(value)
  if (handler === undefined) return undefined
  const isLight = isCovered()
  // Only here, because Node's fetch is large, and loaded when it is first mentioned.
  const { fetchListener } = await import('../../fetch/listener.ts')
  return { shape: 'fetch handler', listener: fetchListener(handler, isLight) }
}

function handlerOf(value: unknown): FetchHandler | undefined {
  if (hasMethods(value, 'fetch')) {
    const app = value as { fetch: FetchHandler }
    return (request, env) => app.fetch(request, env)
  }
  return typeof value === 'function' && value.length < 2 ? (value as FetchHandler) : undefined
}
