/** The servers of the app that listen where there is no inherited socket. */
import type { Server } from 'node:net'
import { servesNothing } from '../app/adapters/server.ts'
import { pretendStillListening } from './app-server.ts'
import { bindOf, describeListen, isFixed } from './listen-address.ts'
import type { ListenRequest } from './listen-request.ts'

interface Unmatched {
  readonly request: ListenRequest
  /** The address is for this process alone. */
  readonly isOwn: boolean
}

export class UnmatchedListens {
  readonly #all = new Map<Server, Unmatched>()
  readonly #mayBind: boolean
  readonly #unbound: readonly string[]
  #isUnreffed = false

  constructor({ mayBind, unbound }: { readonly mayBind: boolean; readonly unbound: readonly string[] }) {
    this.#mayBind = mayBind
    this.#unbound = unbound
  }

  /** `port 3000` */
  get names(): readonly string[] {
    return Array.from(this.#all.values(), ({ request }) => describeListen(request))
  }

  /** The addresses that the arbiter is to bind. */
  get bindable(): readonly ListenRequest[] {
    return [...this.#all.values()]
      .filter(({ request, isOwn }) => !isOwn && this.isBindable(request))
      .map(({ request }) => request)
  }

  isBindable(request: ListenRequest): boolean {
    return this.#mayBind && isFixed(request) && !this.#unbound.includes(bindOf(request))
  }

  has(server: Server): boolean {
    return this.#all.has(server)
  }

  add(server: Server, request: ListenRequest, isOwn = false): void {
    this.#all.set(server, { request, isOwn })
    if (this.#isUnreffed) server.unref()
    server.once('close', () => this.#all.delete(server))
  }

  /**
   * Adds a plain server that listens in earnest. If it gets its listener in a moment, and listens on a port, that is
   * for the arbiter to bind instead, and `onBindable` is called.
   */
  addOwn(server: Server, request: ListenRequest, onBindable: () => void): void {
    if (!servesNothing(server)) return this.add(server, request, true)
    setImmediate(() => {
      if (!server.listening || servesNothing(server)) return
      const isOwn = request.path !== undefined || !this.isBindable(request)
      this.add(server, request, isOwn)
      if (isOwn) return
      pretendStillListening(server)
      onBindable()
    })
  }

  /** Unreferences the servers, so that they do not keep the process waiting for the app. */
  unref(): void {
    this.#isUnreffed = true
    for (const server of this.#all.keys()) server.unref()
  }

  /** References them again, when the app is loaded. */
  ref(): void {
    if (this.#isUnreffed) for (const server of this.#all.keys()) server.ref()
    this.#isUnreffed = false
  }
}
