/** Adapts Koa applications. */
import type { RequestListener, Servable } from '../../http/types.ts'
import { hasMethods } from './members.ts'

interface Koa {
  readonly middleware: readonly unknown[]
  callback(): RequestListener
}

export function adaptKoa(value: unknown): Servable | undefined {
  return isKoa(value) ? { shape: 'Koa application', listener: value.callback() } : undefined
}

function isKoa(value: unknown): value is Koa {
  return hasMethods(value, 'callback') && 'middleware' in value && Array.isArray(value.middleware)
}
