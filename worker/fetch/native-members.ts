/**
 * Lets Node's classes of fetch work on light objects, which stand in for theirs until more is wanted than they have: all
 * that a light object has not got, it inherits from Node's prototype, where every member makes a native one of it first.
 */

/** The native one of a light object, and anything else as it is. */
export type ToNative = (value: unknown) => unknown

type Method = (...args: unknown[]) => unknown

/** Makes the prototype that of all natives, and gives its members the look of theirs. */
export function inheritMembers(light: object, natives: object, toNative: ToNative): void {
  for (const name of Reflect.ownKeys(light)) {
    const own = Object.getOwnPropertyDescriptor(natives, name)
    if (name === 'constructor') Reflect.deleteProperty(light, name)
    else if (own !== undefined) Object.defineProperty(light, name, { enumerable: own.enumerable ?? false })
  }
  Object.setPrototypeOf(light, natives)
  // A class that an app has put in the place of Node's may inherit members.
  for (let at = natives; at !== Object.prototype && at !== null; at = Object.getPrototypeOf(at) as object)
    redirectMembers(at, toNative)
}

function redirectMembers(natives: object, toNative: ToNative): void {
  // `Headers` has one function under two names, and looks whether it still has.
  const redirected = new Map<Method, Method>()
  const redirect = (method: Method): Method => {
    const known = redirected.get(method)
    if (known !== undefined) return known
    const made = {
      method(this: unknown, ...args: unknown[]): unknown {
        return Reflect.apply(method, toNative(this), args)
      },
    }.method
    for (const name of ['name', 'length'] as const)
      Object.defineProperty(made, name, { value: method[name], configurable: true })
    redirected.set(method, made)
    return made
  }
  for (const name of Reflect.ownKeys(natives)) {
    const { get, value, configurable } = Object.getOwnPropertyDescriptor(natives, name)!
    if (name === 'constructor' || configurable !== true) continue
    if (get !== undefined) Object.defineProperty(natives, name, { get: redirect(get) as () => unknown })
    else if (typeof value === 'function')
      Object.defineProperty(natives, name, { value: redirect(value as Method) })
  }
}

/** Replaces a global of Node's; what apps have put there stays. */
export function replaceGlobal<Name extends 'Request' | 'Response'>(
  name: Name,
  before: (typeof globalThis)[Name],
  value: (typeof globalThis)[Name],
): void {
  if (globalThis[name] !== before) return
  // `request.constructor === Request` holds on.
  Object.defineProperty(before.prototype, 'constructor', { value, writable: true, configurable: true })
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false })
}

export function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
