/** Checks whether a key of the configuration is a hook, and its value a function that can be called as one. */
import { type HookName, hookTable } from './table.ts'

export function isHook(name: string): name is HookName {
  return Object.hasOwn(hookTable, name)
}

/** Why this value cannot be that hook, or undefined if it can. */
export function whyInvalidHook(name: HookName, value: unknown): string | undefined {
  const { args } = hookTable[name]
  const form = `(${args.join(', ')})`
  if (typeof value !== 'function') return `${name} must be a function of ${form}, not ${typeof value}`
  if (value.length <= args.length) return undefined
  return `${name} is called with ${form}, and this function wants ${value.length} arguments`
}
