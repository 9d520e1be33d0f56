import { Server } from 'node:net'
import { isAppServer } from '../app/adapters/server.ts'
import type { AppLog, AppServer } from '../http/types.ts'
import { AppError, BindFailed, type Elsewhere } from '../protocol/boot-error.ts'
import type { BindFrom, InheritedListener } from '../protocol/messages.ts'
import { overrideAddress, pretendListening, restoreServer, suppressEvent } from './app-server.ts'
import { Claims, type InterceptedServer } from './claims.ts'
import { bindOf, contradicts, describeListen, differs, isOpen } from './listen-address.ts'
import { type ListenRequest, readListen, targetOf } from './listen-request.ts'
import { elsewhere, missingBinds } from './missing-binds.ts'
import { refuseProbes } from './port-probe.ts'
import { UnmatchedListens } from './unmatched-listens.ts'

/** What becomes of servers that the app tells to listen when it is loaded. */
export interface LateListens {
  /** The arbiter has not bound that. */
  onUnbound(error: Elsewhere): void
  /** Resolves when the worker serves, and with false when it does no longer. */
  takeOver(one: InterceptedServer): Promise<boolean>
}

/**
 * Leads what the app listens on to the sockets that the worker inherited.
 *
 * `net.Server.prototype.listen` is replaced for the life of the process, before any code of the app runs. Servers of http, https
 * and http2 that ask for an inherited port or path are led there, unless they are closed at once: an app that looks for a free
 * port finds that its own is. What the app listens on besides, or when it is loaded, the arbiter binds for the workers to come.
 */
export class ListenInterceptor {
  /** The first of them is listening. */
  readonly first: Promise<void>
  readonly #claims: Claims
  readonly #check: boolean
  readonly #backlog: number | undefined
  readonly #log: AppLog
  readonly #unmatched: UnmatchedListens
  readonly #original = Server.prototype.listen
  readonly #onListening: () => void
  readonly #onListen: ((server: AppServer) => void) | undefined
  readonly #onRefused: (error: Error) => void
  readonly #late: LateListens
  readonly #bindFrom: BindFrom
  readonly #mayBind: boolean
  readonly #acceptConnects: () => void
  /** Those that listen must not be what keeps the process waiting for the app to be loaded. */
  readonly #unreffed: Server[] = []
  #loaded = false

  constructor(options: {
    readonly listeners: readonly InheritedListener[]
    /** Nothing may listen: every server of HTTP is told that it does, and does not. */
    readonly check: boolean
    /** For listens that name none; each one sets the length of the queue anew, and the socket is shared. */
    readonly backlog?: number | undefined
    readonly log: AppLog
    /** Called before a server of the app listens on an inherited socket, and so before its first connection. */
    readonly onListen?: ((server: AppServer) => void) | undefined
    readonly bindFrom: BindFrom
    /** The arbiter binds what else the app listens on. */
    readonly mayBind: boolean
    /** But for these addresses. */
    readonly unbound: readonly string[]
    /** The app cannot listen there. */
    readonly onRefused: (error: Error) => void
    readonly late: LateListens
  }) {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.first = promise
    this.#onListening = resolve
    this.#onListen = options.onListen
    this.#onRefused = options.onRefused
    this.#late = options.late
    this.#claims = new Claims(options.listeners, options.bindFrom)
    this.#check = options.check
    this.#backlog = options.backlog
    this.#log = options.log
    this.#bindFrom = options.bindFrom
    this.#mayBind = options.mayBind
    this.#unmatched = new UnmatchedListens(options)
    this.#acceptConnects = refuseProbes(request => this.#claims.isFree(request))
    const interceptor = this
    Server.prototype.listen = function (this: Server, ...args: unknown[]) {
      return interceptor.#intercept(this, args)
    } as typeof Server.prototype.listen
  }

  /** Where servers of the app listen that no inherited socket serves: `port 3000`. */
  get elsewhere(): readonly string[] {
    return this.#unmatched.names
  }

  /** The servers that have inherited sockets, in the order of their calls. */
  get intercepted(): readonly InterceptedServer[] {
    return this.#claims.intercepted
  }

  /** Some server of the app listens where its requests are to come from, and not on an address of its own beside. */
  get hasMain(): boolean {
    return this.#claims.hasMain
  }

  /** Some server of the app listens, or would where the arbiter had bound its address. */
  get isListening(): boolean {
    return this.intercepted.length > 0 || this.#unmatched.bindable.length > 0
  }

  /** Nothing is left to what the app exports: where requests come from, it listens by itself, or will. */
  get isProgram(): boolean {
    return this.#claims.isComplete || (this.#bindFrom === 'nobody' && this.isListening)
  }

  /** @throws Elsewhere where the app listens on other addresses of its own than the arbiter has bound for it */
  checkUnbound(): void {
    const news = this.#mayBind ? missingBinds(this.#claims, this.#unmatched) : undefined
    if (news !== undefined) throw news
  }

  /** What the app may listen on when it is loaded; nothing else is served there. */
  get awaited(): readonly InheritedListener[] {
    return this.#claims.awaited
  }

  /** From now on only `first` is waited for: servers that listen elsewhere must not be what keeps the process waiting. */
  unrefUnmatched(): void {
    this.#unmatched.unref()
  }

  /** The app is loaded and the worker takes the sockets that are left: what the app still asks for is granted in name only. */
  finish(): void {
    this.#loaded = true
    this.#acceptConnects()
    for (const server of this.#unreffed) server.ref()
    this.#unmatched.ref()
  }

  #intercept(server: Server, args: readonly unknown[]): Server {
    const request = readListen(args)
    const wanted = request && this.#claims.matching(request)
    if (request === undefined || wanted === undefined) return this.#pass(server, args)
    if (!isAppServer(server)) {
      // Somebody looks whether the port is free.
      const [listener] = wanted
      return listener && !this.#loaded
        ? pretendListening(server, request, listener)
        : this.#pass(server, args)
    }
    if (wanted.length > 0 || this.#isServed(server)) return this.#redirect(server, request, wanted)
    const [free] = this.#bindFrom === 'nobody' && isOpen(request) ? this.#claims.free() : []
    if (free !== undefined && !this.#loaded) return this.#redirect(server, request, [free])
    this.#unmatched.add(server, request)
    const isForArbiter = this.#unmatched.isBindable(request)
    // Who listens there may give the file away next, and there is none yet.
    if (isForArbiter && !this.#loaded && request.path !== undefined) {
      setImmediate(
        () =>
          this.#unmatched.has(server) &&
          this.#onRefused(missingBinds(this.#claims, this.#unmatched) as Elsewhere),
      )
      return server
    }
    // Where nobody has said where to listen, this is as good as the inherited socket.
    if (isForArbiter && (this.#loaded || this.#bindFrom === 'nobody')) {
      const heard = this.#loaded ? () => this.#late.onUnbound(elsewhere(request)) : this.#onListening
      setImmediate(() => this.#unmatched.has(server) && heard())
    }
    return isForArbiter || this.#check ? pretendListening(server, request) : this.#pass(server, args)
  }

  #pass(server: Server, args: readonly unknown[]): Server {
    return Reflect.apply(this.#original, server, args)
  }

  /** The app exported it, and its operator has said where it listens. */
  #isServed(server: Server): boolean {
    return this.#loaded && server.listening && this.#bindFrom !== 'nobody'
  }

  #redirect(server: AppServer, request: ListenRequest, wanted: readonly InheritedListener[]): Server {
    const free = this.#claims.free(wanted)
    const listener = free.find(({ host }) => host === request.host) ?? free[0]
    const isAwaited = listener !== undefined && this.awaited.includes(listener)
    const isLeftOut = this.#isServed(server) || (this.#loaded && !isAwaited)
    if (listener === undefined || isLeftOut) return this.#leaveOut(server, request, listener ?? wanted[0])
    const one = { server, listener, request }
    this.#claims.add(one)
    pretendListening(server, request, listener, () => {
      this.#claims.remove(one)
      return false
    })
    // One that is closed by then was to find out whether the port is free.
    const isLate = this.#loaded
    const refused = isLate ? (error: Error) => this.#log('error', error.message) : this.#onRefused
    setImmediate(() => void this.#commit(one, isLate, refused).catch(refused))
    return server
  }

  /** What the app exports is served there. The server that it makes for it may do more, so its successors wait for that. */
  #leaveOut(server: AppServer, request: ListenRequest, listener: InheritedListener | undefined): Server {
    const isOwn = this.#isServed(server) || listener === undefined || this.#claims.isTaken(listener)
    let isOpen = true
    setImmediate(() => {
      if (!isOpen) return
      const wanted = this.#bindFrom === 'operator' ? listener : { port: listener?.port, ...request }
      if (wanted !== undefined && !isOwn && this.#unmatched.isBindable(wanted))
        return this.#late.onUnbound(elsewhere(wanted))
      const name = listener?.name ?? 'that server'
      this.#log(
        'info',
        `The app's listen on ${describeListen(request)} is left out: tsicorn serves ${name} already`,
      )
    })
    return pretendListening(server, request, listener, () => {
      isOpen = false
      return false
    })
  }

  async #commit(one: InterceptedServer, isLate: boolean, refused: (error: Error) => void): Promise<void> {
    if (isLate && !(await this.#late.takeOver(one))) return
    if (!this.#claims.has(one)) return
    const { server, listener, request } = one
    const isWrong = this.#bindFrom === 'nobody' ? differs : contradicts
    if (isWrong(request, listener)) return refused(this.#contradiction(request, listener))
    this.#log('info', `The app's listen on ${describeListen(request)} was led to ${listener.name}`)
    if (this.#check) return this.#onListening()
    restoreServer(server)
    if (!isLate) this.#onListen?.(server)
    const failed = (cause: Error) =>
      refused(new BindFailed(`Cannot listen on ${listener.name}: ${cause.message}`, { cause }))
    server.prependOnceListener('error', failed)
    const release = suppressEvent(server, 'listening', () => {
      release()
      if (!this.#loaded) this.#unreffed.push(server.unref())
      server.off('error', failed)
      this.#onListening()
    })
    if (listener.path !== undefined) overrideAddress(server, listener.path)
    const { backlog = this.#backlog } = request
    this.#pass(server, [{ ...targetOf(listener), backlog }, backlog])
  }

  /** Where nobody said where to listen, the app has the last word. */
  #contradiction(request: ListenRequest, listener: InheritedListener): Error {
    if (this.#mayBind && this.#bindFrom !== 'operator') return elsewhere({ port: listener.port, ...request })
    return new AppError(
      `The app listens on ${describeListen(request)} only, and tsicorn is bound to ${listener.name}: start tsicorn with -b ${bindOf(request)}, or let the app listen without a host`,
    )
  }
}
