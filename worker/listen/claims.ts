/** Which server of the app has which of the inherited sockets. */
import type { AppServer } from '../http/types.ts'
import { AppError, type Elsewhere } from '../protocol/boot-error.ts'
import type { BindFrom, InheritedListener } from '../protocol/messages.ts'
import { isLocal, matches } from './listen-address.ts'
import type { ListenRequest } from './listen-request.ts'

/** A server of the app that called `listen` for an inherited socket. */
export interface InterceptedServer {
  readonly server: AppServer
  readonly listener: InheritedListener
  readonly request: ListenRequest
}

/** Handles servers that the app starts after it is loaded. */
export interface LateListens {
  /** The app listens on an address that the arbiter has not bound. */
  onUnbound(error: Elsewhere): void
  /** Resolves with true once the worker serves, or with false when it has stopped accepting. */
  takeOver(one: InterceptedServer): Promise<boolean>
}

export class Claims {
  /** In the order of their calls to `listen`. */
  readonly intercepted: InterceptedServer[] = []
  readonly #listeners: readonly InheritedListener[]
  readonly #bindFrom: BindFrom

  constructor(listeners: readonly InheritedListener[], bindFrom: BindFrom) {
    this.#listeners = listeners
    this.#bindFrom = bindFrom
  }

  /** Whether a server of the app listens on the main address, and not only on further ones of its own. */
  get hasMain(): boolean {
    return this.intercepted.some(one => this.#isMain(one))
  }

  #isMain({ listener }: InterceptedServer): boolean {
    return !listener.of_app || this.#bindFrom === 'nobody'
  }

  /** The error of an app that has closed its only server on the main address: nothing would be served there. */
  get closed(): AppError | undefined {
    const main = this.intercepted.filter(one => this.#isMain(one))
    return main.every(({ server }) => !server.listening) ? closedError(main[0]) : undefined
  }

  /** Refuses an app that wants one of these for another server than the one that had it and is closed. */
  refuseClosed(listeners: readonly InheritedListener[], refused: (error: Error) => void): void {
    const had = ({ listener, server }: InterceptedServer) => listeners.includes(listener) && !server.listening
    const error = closedError(this.intercepted.find(had))
    if (error !== undefined) refused(error)
  }

  /** Whether no listener is left for an exported app. */
  get isComplete(): boolean {
    const free = this.free()
    return this.hasMain || (free.length > 0 && free.every(({ of_app }) => of_app))
  }

  /** Listeners that the app may use after it is loaded; nothing else is served there. */
  get awaited(): readonly InheritedListener[] {
    return this.free().filter(({ of_app }) => of_app)
  }

  /** The listeners on the port or path of the request, whatever its host. */
  matching(request: ListenRequest): readonly InheritedListener[] {
    return this.#listeners.filter(listener => matches(listener, request))
  }

  /** Those that no server of the app has taken. */
  free(listeners = this.#listeners): readonly InheritedListener[] {
    return listeners.filter(listener => !this.isTaken(listener))
  }

  /** Whether a free listener has exactly this address, as far as that can be told. */
  isFree(request: ListenRequest): boolean {
    return this.free(this.matching(request)).some(listener => isLocal(request, listener))
  }

  isTaken(listener: InheritedListener): boolean {
    return this.intercepted.some(one => one.listener === listener)
  }

  add(one: InterceptedServer): void {
    this.intercepted.push(one)
  }

  remove(one: InterceptedServer): void {
    this.intercepted.splice(this.intercepted.indexOf(one), 1)
  }

  has(one: InterceptedServer): boolean {
    return this.intercepted.includes(one)
  }
}

/** A descriptor is gone with the server that had it. */
function closedError(one: InterceptedServer | undefined): AppError | undefined {
  if (one === undefined) return undefined
  return new AppError(
    `The app closed its server on ${one.listener.name} while it was loaded, and tsicorn cannot open that socket again: let one server listen there, and change what it answers`,
  )
}
