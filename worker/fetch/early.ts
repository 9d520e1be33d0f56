/**
 * Node's `Request` and `fetch`, which modules may keep (`class Own extends Request`) before it is known whether the app
 * is a fetch handler: from the start, each is behind a proxy that does nothing. Only where every module has the proxies
 * can a fetch handler get light Requests, because the proxies make native ones of them for Node.
 */
import http from 'node:http'
import { replaceGlobal } from './native-members.ts'

type Fetch = typeof globalThis.fetch
type RequestClass = typeof globalThis.Request

const fetchTraps: ProxyHandler<Fetch> = {}
const requestTraps: ProxyHandler<RequestClass> = {}

let isFetchCovered = false
let covered: { readonly native: RequestClass; readonly proxy: RequestClass } | undefined

/** Call before the app runs. It loads nothing: Node's fetch is large. */
export function coverFetch(): void {
  if (isFetchCovered || typeof globalThis.fetch !== 'function') return
  isFetchCovered = true
  Object.defineProperty(globalThis, 'fetch', { value: new Proxy(globalThis.fetch, fetchTraps) })
  // Reading `Request` would load all of fetch. So does whoever imports `node:http` in an ES module, because all of its
  // exports are read then: at that moment, and before any module gets `Request`, it can be read.
  for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(http))) {
    const { get, configurable } = descriptor
    if (get === undefined || configurable !== true || !loadsFetch.has(name)) continue
    Object.defineProperty(http, name, {
      get() {
        Object.defineProperty(http, name, descriptor)
        const isFirst = !isFetchLoaded()
        const value: unknown = Reflect.apply(get, http, [])
        if (isFirst && isFetchLoaded()) coverRequest()
        return value
      },
    })
  }
}

/** Exports of `node:http` that are parts of Node's fetch. */
const loadsFetch = new Set(['WebSocket', 'CloseEvent', 'MessageEvent'])

/** Whether a module may have Node's own `Request`. */
function isFetchLoaded(): boolean {
  const { moduleLoadList } = process as { readonly moduleLoadList?: readonly string[] }
  return moduleLoadList?.includes('NativeModule internal/deps/undici/undici') ?? true
}

/** Puts the proxy in the place of `Request`. */
export function coverRequest(): void {
  if (covered !== undefined) return
  const native = globalThis.Request
  covered = { native, proxy: new Proxy(native, requestTraps) }
  replaceGlobal('Request', native, covered.proxy)
}

/** Whether all modules have the proxies, and none has replaced the class; call before anything else reads `Request`. */
export function isCovered(): boolean {
  if (isFetchCovered && !isFetchLoaded()) coverRequest()
  return covered !== undefined && globalThis.Request === covered.proxy
}

/** The class behind the proxy. */
export function nativeRequest(): RequestClass {
  return covered?.native ?? globalThis.Request
}

/** Has the proxies call `toNative` with what is fetched, or made a Request of. */
export function takeNatives(toNative: (input: unknown) => unknown): void {
  fetchTraps.apply = (target, self, args: unknown[]) => {
    if (args.length > 0) args[0] = toNative(args[0])
    return Reflect.apply(target, self, args) as unknown
  }
  requestTraps.construct = (target, args, newTarget) => {
    if (args.length > 0) args[0] = toNative(args[0])
    return Reflect.construct(target, args, newTarget) as object
  }
}
