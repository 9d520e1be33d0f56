/** The servers of the app that listen where there is no inherited socket. */
import type { Server } from 'node:net'
import { bindOf, describeListen, isFixed } from './listen-address.ts'
import type { ListenRequest } from './listen-request.ts'

export class UnmatchedListens {
  readonly #requests = new Map<Server, ListenRequest>()
  readonly #mayBind: boolean
  readonly #unbound: readonly string[]
  #isUnreffed = false

  constructor({ mayBind, unbound }: { readonly mayBind: boolean; readonly unbound: readonly string[] }) {
    this.#mayBind = mayBind
    this.#unbound = unbound
  }

  /** `port 3000` */
  get names(): readonly string[] {
    return [...this.#requests.values()].map(describeListen)
  }

  /** The addresses that the arbiter is to bind. */
  get bindable(): readonly ListenRequest[] {
    return [...this.#requests.values()].filter(request => this.isBindable(request))
  }

  isBindable(request: ListenRequest): boolean {
    return this.#mayBind && isFixed(request) && !this.#unbound.includes(bindOf(request))
  }

  has(server: Server): boolean {
    return this.#requests.has(server)
  }

  add(server: Server, request: ListenRequest): void {
    this.#requests.set(server, request)
    if (this.#isUnreffed) server.unref()
    server.once('close', () => this.#requests.delete(server))
  }

  /** Unreferences the servers, so that they do not keep the process waiting for the app. */
  unref(): void {
    this.#isUnreffed = true
    for (const server of this.#requests.keys()) server.unref()
  }

  /** References them again, when the app is loaded. */
  ref(): void {
    if (this.#isUnreffed) for (const server of this.#requests.keys()) server.ref()
    this.#isUnreffed = false
  }
}
