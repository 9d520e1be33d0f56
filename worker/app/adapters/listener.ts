/** Adapts request listeners: plain functions, Express and everything else that is called with `(req, res)`. */
import type { RequestListener, Servable } from '../../http/types.ts'
import { hasMethods } from './members.ts'

/** Accepts functions of two parameters or more: `(req, res)`, Express, Connect, the handlers of meta-frameworks. */
export function adaptListener(value: unknown): Servable | undefined {
  if (typeof value !== 'function' || value.length < 2) return undefined
  return {
    shape: isExpress(value) ? 'Express application' : 'request listener',
    listener: value as RequestListener,
  }
}

export function isExpress(value: unknown): boolean {
  return hasMethods(value, 'handle', 'use', 'engine', 'listen')
}
