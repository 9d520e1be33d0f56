/** The exports of the app's module, and which of them may be the app. */
import { AppError } from '../protocol/boot-error.ts'
import { isObject } from './adapters/members.ts'
import type { AppSpec } from './spec.ts'

/** The namespace of a user's module. */
export type Exports = Readonly<Record<string, unknown>>

/** A value that may be the app, and the name it was found under. */
export interface Candidate {
  readonly name: string
  readonly value: unknown
}

/** Tried in this order when the default export is not an app. */
const conventionalNames = [
  'app',
  'application',
  'server',
  'handler',
  'listener',
  'middleware',
  'create',
  'build',
]

/** The exports that may be the app when the spec names none, most likely first. */
export function candidates(module: Exports): Candidate[] {
  const defaults = [module.default, memberOf(module.default, 'default')].map(value => ({
    name: 'default',
    value,
  }))
  const itself = typeof module.fetch === 'function' ? [{ name: 'fetch', value: module }] : []
  const conventional = conventionalNames.map(name => ({ name, value: exported(module, name) }))
  return [...itself, ...defaults, ...conventional].filter(
    ({ value }) => value !== undefined && value !== null,
  )
}

/** @throws AppError when there is no such export */
export function namedExport(module: Exports, spec: AppSpec, name: string): Candidate {
  const value = exported(module, name)
  if (value !== undefined) return { name, value }
  throw new AppError(
    `The app ${JSON.stringify(spec.text)} cannot be used: ${spec.path} has no export ${name}, it exports ${listExports(module)}`,
  )
}

/** An export by name, including those of a CommonJS module that Node could not detect. */
export function exported(module: Exports, name: string): unknown {
  return module[name] ?? memberOf(module.default, name) ?? memberOf(memberOf(module.default, 'default'), name)
}

/** `default, app`, or `nothing`. */
export function listExports(module: Exports): string {
  return (
    Object.keys(module)
      .filter(name => name !== 'module.exports')
      .join(', ') || 'nothing'
  )
}

/** Own members only: every function has a `name`, and every object a `constructor`. */
function memberOf(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined
}
