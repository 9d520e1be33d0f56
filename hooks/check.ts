import { type HookName, hookTable } from './table.ts'

export function isHook(name: string): name is HookName {
  return Object.hasOwn(hookTable, name)
}

/** What is wrong with this value as that hook, or undefined where it is well. */
export function whyNoHook(name: HookName, value: unknown): string | undefined {
  const { args } = hookTable[name]
  const form = `(${args.join(', ')})`
  if (typeof value !== 'function') return `${name} must be a function of ${form}, not ${typeof value}`
  if (value.length <= args.length) return undefined
  return `${name} is called with ${form}, and this function wants ${value.length} arguments`
}
