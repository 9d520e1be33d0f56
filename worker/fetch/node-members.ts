/** What a plain Request and a plain Response have in common: they turn into one of Node's when more is wanted of them. */

/** Gives the prototype every member of Node's class that it lacks: such a member is that of what `become` makes. */
export function completeWith<Plain extends object>(
  prototype: Plain,
  members: object,
  become: (plain: Plain) => object,
): void {
  for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(members))) {
    if (Object.hasOwn(prototype, name)) continue
    const { get, value } = descriptor
    const own: PropertyDescriptor =
      get === undefined
        ? {
            value(this: Plain, ...args: unknown[]): unknown {
              return Reflect.apply(value, become(this), args)
            },
          }
        : {
            get(this: Plain): unknown {
              return Reflect.apply(get, become(this), [])
            },
          }
    Object.defineProperty(prototype, name, { ...descriptor, ...own })
  }
  Object.defineProperty(prototype, Symbol.for('nodejs.util.inspect.custom'), {
    value(this: Plain): object {
      return become(this)
    },
  })
  Reflect.deleteProperty(prototype, 'constructor')
  Object.setPrototypeOf(prototype, members)
}

/** Makes the headers of one those of the other. */
export function replaceHeaders({ headers }: { readonly headers: Headers }, wanted: Headers): void {
  for (const name of [...headers.keys()]) headers.delete(name)
  for (const [name, value] of wanted) headers.append(name, value)
}

export function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Replaces a global of Node's, unless the app has put another there. */
export function replaceGlobal<Name extends 'Request' | 'Response' | 'fetch'>(
  name: Name,
  before: (typeof globalThis)[Name],
  value: (typeof globalThis)[Name],
): void {
  if (globalThis[name] !== before) return
  Object.defineProperty(globalThis, name, {
    value,
    writable: true,
    configurable: true,
    enumerable: name === 'fetch',
  })
}
