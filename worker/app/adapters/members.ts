/** Looks at the members of values whose types are unknown. */
type Method = (...args: never[]) => unknown

/** Whether `value` can have members; functions can, and an Express application is one. */
export function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

/** Whether `value` has methods of these names, its own or inherited. */
export function hasMethods<Name extends string>(
  value: unknown,
  ...names: readonly Name[]
): value is Record<Name, Method> {
  return isObject(value) && names.every(name => typeof Reflect.get(value, name) === 'function')
}
