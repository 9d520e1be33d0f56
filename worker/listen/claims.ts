/** Which server of the app has which of the inherited sockets. */
import type { Server } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { servesNothing } from '../app/adapters/server.ts'
import type { AppLog } from '../http/types.ts'
import { AppError, type Elsewhere } from '../protocol/boot-error.ts'
import type { BindFrom, InheritedListener } from '../protocol/messages.ts'
import type { Descriptors } from './descriptors.ts'
import { isApart, isLocal, matches } from './listen-address.ts'
import type { ListenRequest } from './listen-request.ts'

/** A server of the app that called `listen` for an inherited socket. */
export interface InterceptedServer {
  readonly server: Server
  readonly listener: InheritedListener
  readonly request: ListenRequest
}

/** Handles servers that the app starts after it is loaded. */
export interface LateListens {
  /** The app listens on an address that the arbiter has not bound. */
  onUnbound(error: Elsewhere): void
  readonly descriptors: Descriptors
  /** Resolves with true once the worker serves, or with false when it has stopped accepting. */
  takeOver(one: InterceptedServer): Promise<boolean>
}

export interface ListenOptions {
  readonly listeners: readonly InheritedListener[]
  /** Nothing may listen: HTTP servers only believe that they do. */
  readonly check: boolean
  /** Whether the worker, and with it the app, was told to leave: from then on nothing may begin to listen. */
  readonly isLeaving: () => boolean
  /** The setting `backlog`, for calls without one: each call sets the length of the queue of the shared socket. */
  readonly backlog?: number | undefined
  readonly log: AppLog
  /** Called before a server of the app listens, so before its first connection: maybe long before the app is loaded. */
  readonly onListen?: ((server: Server, listener: InheritedListener) => void) | undefined
  readonly bindFrom: BindFrom
  /** The arbiter can bind further addresses that the app listens on. */
  readonly mayBind: boolean
  /** Addresses that it failed to bind. */
  readonly unbound: readonly string[]
  readonly late: LateListens
}

export class Claims {
  /** In the order of their calls to `listen`. */
  readonly intercepted: InterceptedServer[] = []
  readonly #listeners: readonly InheritedListener[]
  readonly #bindFrom: BindFrom
  #onOpened: () => void = () => undefined
  /** How many have just called `listen`, and only believe that they listen. */
  #arriving = 0

  constructor({ listeners, bindFrom }: Pick<ListenOptions, 'listeners' | 'bindFrom'>) {
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
    const isServed = main.length === 0 || main.some(({ server }) => server.listening)
    return isServed ? undefined : closedError(main[0] as InterceptedServer)
  }

  /** Resolves when it has opened another one there, in earnest. */
  async reopened(): Promise<void> {
    while (this.closed !== undefined || this.#arriving > 0) {
      if (this.#arriving > 0) await turn()
      else
        await new Promise<void>(resolve => {
          this.#onOpened = resolve
        })
    }
  }

  /** Those of these listeners whose servers the app has closed. */
  closedAmong(listeners: readonly InheritedListener[]): readonly InheritedListener[] {
    const isClosed = ({ listener, server }: InterceptedServer) =>
      listeners.includes(listener) && !server.listening
    return this.intercepted.filter(isClosed).map(({ listener }) => listener)
  }

  /** Which of these listeners a server gets: in the place of one that the app has closed, rather than at another host. */
  placeFor(request: ListenRequest, wanted: readonly InheritedListener[]): InheritedListener | undefined {
    const closed = this.closedAmong(wanted)
    const places = [...closed, ...this.free(wanted)]
    return places.find(({ host }) => host === request.host) ?? places[0]
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

  /** The listeners on the port or path of the request, also at another host that the operator chose. */
  matching(request: ListenRequest): readonly InheritedListener[] {
    return this.#listeners.filter(listener => matches(listener, request) && !isApart(request, listener))
  }

  /** Those that no server of the app has taken. */
  free(listeners = this.#listeners): readonly InheritedListener[] {
    return listeners.filter(listener => !this.isTaken(listener))
  }

  /** Whether a free listener has exactly this address, as far as that can be told. */
  isFree(request: ListenRequest): boolean {
    return this.free(this.matching(request)).some(listener => isLocal(request, listener))
  }

  /**
   * Whether a plain server is served like an HTTP server. Further paths, and ports that it opens later, are its own:
   * they may be those of this process alone.
   */
  mayServe(server: Server, request: ListenRequest, isLoaded: boolean): boolean {
    const wanted = this.matching(request)
    const closed = this.closedAmong(wanted)
    if (servesNothing(server)) return !isLoaded && closed.length + this.free(wanted).length > 0
    if (!isLoaded) return wanted.length > 0 || request.path === undefined
    return wanted.some(one => closed.includes(one) || this.awaited.includes(one))
  }

  isTaken(listener: InheritedListener): boolean {
    return this.intercepted.some(one => one.listener === listener)
  }

  add(one: InterceptedServer): void {
    this.intercepted.push(one)
    this.#arriving += 1
    setImmediate(() => {
      this.#arriving -= 1
    })
  }

  /** Call before a server listens, in the place of one that the app has closed. */
  replace(one: InterceptedServer): void {
    const isFollowed = ({ listener, server }: InterceptedServer) =>
      listener === one.listener && server !== one.server && !server.listening
    for (const closed of this.intercepted.filter(isFollowed)) this.remove(closed)
  }

  /** Call when a server listens in earnest. */
  opened(): void {
    this.#onOpened()
  }

  remove(one: InterceptedServer): void {
    this.intercepted.splice(this.intercepted.indexOf(one), 1)
  }

  has(one: InterceptedServer): boolean {
    return this.intercepted.includes(one)
  }
}

function closedError({ listener: { name } }: InterceptedServer): AppError {
  return new AppError(
    `The app closed its server on ${name} while it was loaded, and opened no other: nothing would be served there`,
  )
}
