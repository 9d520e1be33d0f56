import type { Adapter, Servable } from '../../http/types.ts'
import { adaptFastify } from './fastify.ts'
import { adaptFetch } from './fetch-app.ts'
import { adaptKoa } from './koa.ts'
import { adaptListener } from './listener.ts'
import { adaptNest } from './nest.ts'
import { adaptServer } from './server.ts'

/** The first that knows the value takes it. A callable object is a listener first, because Yoga's is both and Express's is no `fetch`. */
const adapters: readonly Adapter[] = [
  adaptServer,
  adaptFastify,
  adaptNest,
  adaptKoa,
  adaptListener,
  adaptFetch,
]

/** What all adapters together accept, to finish a sentence with. */
export const acceptedShapes =
  'a function (req, res), an Express, Koa, Fastify, NestJS or Hono application, an object with a fetch method, a function (request) that returns a Response, an http.Server, or a factory of one of these'

/** Makes a value servable; undefined when no adapter knows its shape. */
export async function adapt(value: unknown): Promise<Servable | undefined> {
  for (const adapter of adapters) {
    const servable = await adapter(value)
    if (servable !== undefined) return servable
  }
  return undefined
}

/** `an object with the members a, b`: what an operator has to hear of a value that nobody knows. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (isClass(value)) return `the class ${value.name}, not an instance of it`
  if (typeof value === 'function') return `a function of ${value.length} parameters`
  if (typeof value !== 'object') return `a ${typeof value}`
  const kind = value.constructor?.name ?? 'Object'
  return kind === 'Object' ? 'a plain object' : `an instance of ${kind}`
}

/** Calling a class throws, so it has to be told from a factory before. */
export function isClass(value: unknown): value is { readonly name: string } {
  return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value))
}
