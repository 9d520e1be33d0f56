/**
 * The global `fetch`, which an app may keep before it is known that it is a fetch handler: behind a proxy that does
 * nothing, until `fetch` has to know the light Requests that such a handler gets.
 */

type Fetch = typeof globalThis.fetch

const handler: ProxyHandler<Fetch> = {}

let isKept = false

/** Call before the app runs; it loads nothing. */
export function keepFetch(): void {
  if (isKept || typeof globalThis.fetch !== 'function') return
  isKept = true
  const { fetch } = globalThis
  Object.defineProperty(globalThis, 'fetch', { value: new Proxy(fetch, handler) })
}

/** Has `toNative` make natives of the Requests that are fetched. */
export function fetchNatives(toNative: (input: unknown) => unknown): void {
  keepFetch()
  handler.apply = (target, self, args: unknown[]) => {
    if (args.length > 0) args[0] = toNative(args[0])
    return Reflect.apply(target, self, args) as unknown
  }
}
