import type { RequestListener, Servable } from '../../http/types.ts'
import { hasMethods } from './members.ts'

/** `(req, res) => ...` with two parameters or more: plain functions, Express, Connect, the handlers of meta-frameworks. */
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
