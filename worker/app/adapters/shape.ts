/** Recognises the shapes of apps, and makes them servable. */
import type { Adapter, Servable } from '../../http/types.ts'
import { adaptFastify } from './fastify.ts'
import { adaptFetch } from './fetch-app.ts'
import { adaptKoa } from './koa.ts'
import { adaptListener } from './listener.ts'
import { adaptNest } from './nest.ts'
import { adaptServer } from './server.ts'

/**
 * The first match wins. A callable object counts as a listener first: Yoga's is both, and Express's is not a `fetch`.
 */
const adapters: readonly Adapter[] = [
  adaptServer,
  adaptFastify,
  adaptNest,
  adaptKoa,
  adaptListener,
  adaptFetch,
]

/** Everything that the adapters accept, as the end of a sentence. */
export const acceptedShapes =
  'a function (req, res), an Express, Koa, Fastify, NestJS or Hono application, an object with a fetch method, a function (request) that returns a Response, an http.Server, or a factory of one of these'

/** Makes a value servable; undefined when no adapter recognises it. */
export async function adapt(value: unknown): Promise<Servable | undefined> {
  for (const adapter of adapters) {
    const servable = await adapter(value)
    if (servable !== undefined) return servable
  }
  return undefined
}

/** Describes a value of unknown shape for the operator: `a plain object`, `a function of 3 parameters`. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (isClass(value)) return `the class ${value.name}, not an instance of it`
  if (typeof value === 'function') return `a function of ${value.length} parameters`
  if (typeof value !== 'object') return `a ${typeof value}`
  const kind = value.constructor?.name ?? 'Object'
  return kind === 'Object' ? 'a plain object' : `an instance of ${kind}`
}

/** Calling a class throws, so it must be told from a factory. */
export function isClass(value: unknown): value is { readonly name: string } {
  return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value))
}
