/** Turns an export into something to serve: an app, or the result of a factory. */
import { types } from 'node:util'
import type { RequestListener, Servable } from '../http/types.ts'
import { AppError } from '../protocol/boot-error.ts'
import { hasMethods } from './adapters/members.ts'
import { acceptedShapes, adapt, describeValue, isClass } from './adapters/shape.ts'
import type { Candidate } from './exports.ts'
import type { Literal } from './literal-reader.ts'
import type { AppSpec } from './spec.ts'

/** Exports of these names are Node listeners, whatever their number of parameters: Astro's takes `...args`. */
const listenerNames = new Set(['handler', 'listener', 'middleware'])

type Factory = (...args: never[]) => unknown

const factoryName = /^(?:create|build|make)(?![a-z])/

/** A factory ran and returned nothing: it may have started a server, or be about to. */
export const noExport = Symbol('ran only')

/**
 * Makes an export servable. Functions are classified by their parameters: two or more are `(req, res)`, one is
 * `(request)`, none is a factory; `create...`, `build...` and `make...` with fewer than two are factories too.
 *
 * @throws AppError when a factory returns something that cannot be served, and anything that the factory throws
 */
export async function servableOf(
  candidate: Candidate,
  spec: AppSpec,
): Promise<Servable | typeof noExport | undefined> {
  const value = types.isPromise(candidate.value) ? await candidate.value : candidate.value
  if (isClass(value)) return undefined
  if (typeof value !== 'function' || value.length >= 2 || hasMethods(value, 'fetch')) return adapt(value)
  if (listenerNames.has(candidate.name) && value.length === 0) {
    return { shape: 'request listener', listener: value as RequestListener }
  }
  const name = candidate.name === 'default' ? value.name : candidate.name
  if (value.length === 0 || factoryName.test(name)) {
    return callFactory(candidate.name, value as Factory, [], spec)
  }
  return adapt(value)
}

/** Calls the export of a spec that is written as a call, `./app.ts:create(3)`. */
export async function callExport(
  { name, value }: Candidate,
  args: readonly Literal[],
  spec: AppSpec,
): Promise<Servable | typeof noExport> {
  if (typeof value === 'function' && !isClass(value)) return callFactory(name, value as Factory, args, spec)
  throw new AppError(
    `The app ${JSON.stringify(spec.text)} cannot be used: ${name} is ${describeValue(value)} and cannot be called, leave out the parentheses`,
  )
}

async function callFactory(
  name: string,
  factory: Factory,
  args: readonly Literal[],
  spec: AppSpec,
): Promise<Servable | typeof noExport> {
  // Only promises are awaited: a Fastify instance is thenable too, and awaiting it would start it.
  const returned: unknown = Reflect.apply(factory, undefined, args)
  const made = types.isPromise(returned) ? await returned : returned
  if (made === undefined || made === null) return noExport
  const servable = isClass(made) ? undefined : await adapt(made instanceof Response ? factory : made)
  if (servable !== undefined) return servable
  throw new AppError(
    `The app ${JSON.stringify(spec.text)} cannot be used: ${name}() returned ${describeValue(made)}, and an app is ${acceptedShapes}`,
  )
}
