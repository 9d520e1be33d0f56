/** Redirects the app's calls of `listen` to the sockets that the worker inherited. */
import { Server } from 'node:net'
import { isAppServer, servesNothing } from '../app/adapters/server.ts'
import { BindFailed, type Elsewhere } from '../protocol/boot-error.ts'
import type { InheritedListener } from '../protocol/messages.ts'
import {
  isShownListening,
  overrideAddress,
  pretendListening,
  refuseTwice,
  restoreServer,
  suppressEvent,
} from './app-server.ts'
import { Claims, type InterceptedServer, type ListenOptions } from './claims.ts'
import { contradicts, describeListen, differs, isOpen } from './listen-address.ts'
import { type ListenRequest, readListen } from './listen-request.ts'
import { contradiction, listensElsewhere, missingBinds } from './missing-binds.ts'
import { refuseProbes, whenServing } from './port-probe.ts'
import { UnmatchedListens } from './unmatched-listens.ts'

interface InterceptorOptions extends ListenOptions {
  readonly onRefused: (error: Error) => void
}

/**
 * Replaces `net.Server.prototype.listen` for the life of the process, before any code of the app runs.
 *
 * HTTP servers that ask for an inherited port or path get the inherited socket, unless they are closed at once: an app
 * that probes ports finds its own free. The arbiter binds further addresses, and later ones, for the next workers.
 */
export class ListenInterceptor {
  /** Resolves when the first server of the app listens. */
  readonly first: Promise<void>
  readonly #options: InterceptorOptions
  readonly #claims: Claims
  readonly #unmatched: UnmatchedListens
  readonly #original = Server.prototype.listen
  readonly #onListening: () => void
  readonly #acceptConnects: () => void
  /** Unreferenced while the app is loaded: listening alone must not keep the process waiting. */
  readonly #unreffed: Server[] = []
  #loaded = false

  constructor(options: InterceptorOptions) {
    this.#options = options
    const { promise, resolve } = Promise.withResolvers<void>()
    this.first = promise
    this.#onListening = resolve
    this.#claims = new Claims(options)
    this.#unmatched = new UnmatchedListens(options)
    this.#acceptConnects = refuseProbes(request => this.#claims.isFree(request))
    const interceptor = this
    Server.prototype.listen = function (this: Server, ...args: unknown[]) {
      return interceptor.#intercept(this, args)
    } as typeof Server.prototype.listen
  }

  /** Where the app listens without an inherited socket: `port 3000`. */
  get elsewhere(): readonly string[] {
    return this.#unmatched.names
  }

  /** The servers with inherited sockets, in the order of their calls. */
  get intercepted(): readonly InterceptedServer[] {
    return this.#claims.intercepted
  }

  /** Whether a server of the app listens on the main address, and not only on further ones of its own. */
  get hasMain(): boolean {
    return this.#claims.hasMain
  }

  /** Whether a server of the app listens, or would if the arbiter had bound its address. */
  get isListening(): boolean {
    return this.intercepted.length > 0 || this.#unmatched.bindable.length > 0
  }

  /** Whether the app is a program that listens by itself, so that its exports are not served. */
  get isProgram(): boolean {
    return this.#claims.isComplete || (this.#options.bindFrom === 'nobody' && this.isListening)
  }

  /** @throws AppError, or Elsewhere when the app listens on other addresses than those that the arbiter bound for it */
  checkListens(): void {
    const { mayBind } = this.#options
    const error = (mayBind && missingBinds(this.#claims, this.#unmatched)) || this.#claims.closed
    if (error !== undefined) throw error
  }

  /** Resolves when a server listens in the place of the only one, if the app has closed that. */
  async reopened(): Promise<void> {
    await this.#claims.reopened()
  }

  /** Listeners that the app may use after it is loaded; nothing else is served there. */
  get awaited(): readonly InheritedListener[] {
    return this.#claims.awaited
  }

  /** Unreferences the servers without an inherited socket: from now on only `first` may keep the process waiting. */
  unrefUnmatched(): void {
    this.#unmatched.unref()
  }

  /** Call when the app is loaded: from now on, only awaited listeners are given to servers of the app. */
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
    refuseTwice(server)
    if (!isAppServer(server) && !this.#claims.mayServe(server, request, this.#loaded)) {
      // A plain server that serves nothing checks whether the port is free.
      const [listener] = wanted
      if (listener && (!this.#loaded || this.#claims.closedAmong([listener]).length > 0))
        return pretendListening(server, request, listener)
      if (!this.#loaded) this.#unmatched.addOwn(server, request, () => this.#onUnmatched(request, false))
      return this.#pass(server, args)
    }
    if (wanted.length > 0 || this.#isServed(server)) return this.#redirect(server, request, wanted)
    const [free] = this.#options.bindFrom === 'nobody' && isOpen(request) ? this.#claims.free() : []
    if (free !== undefined && !this.#loaded) return this.#redirect(server, request, [free])
    this.#unmatched.add(server, request)
    const isForArbiter = this.#unmatched.isBindable(request)
    // The app may change the owner of the socket file next, and there is no file yet.
    if (isForArbiter && !this.#loaded && request.path !== undefined) {
      const refused = () => this.#refuse(missingBinds(this.#claims, this.#unmatched) as Elsewhere, false)
      setImmediate(() => this.#unmatched.has(server) && refused())
      return server
    }
    const isLate = this.#loaded
    if (isForArbiter) setImmediate(() => this.#unmatched.has(server) && this.#onUnmatched(request, isLate))
    return isForArbiter || this.#options.check ? pretendListening(server, request) : this.#pass(server, args)
  }

  /** An address that the arbiter is to bind: if none is configured, it is as good as an inherited socket. */
  #onUnmatched(request: ListenRequest, isLate: boolean): void {
    const { late, bindFrom } = this.#options
    if (isLate) late.onUnbound(listensElsewhere(request))
    else if (bindFrom === 'nobody') this.#onListening()
  }

  #pass(server: Server, args: readonly unknown[]): Server {
    return Reflect.apply(this.#original, server, args)
  }

  /** Whether this is the exported server, which listens where the operator said. */
  #isServed(server: Server): boolean {
    return this.#loaded && server.listening && this.#options.bindFrom !== 'nobody'
  }

  #redirect(server: Server, request: ListenRequest, wanted: readonly InheritedListener[]): Server {
    const listener = this.#claims.placeFor(request, wanted)
    const isAwaited =
      listener !== undefined && [...this.awaited, ...this.#claims.closedAmong(wanted)].includes(listener)
    const isIgnored = this.#isServed(server) || (this.#loaded && !isAwaited)
    if (listener === undefined || isIgnored) return this.#ignore(server, request, listener ?? wanted[0])
    const one = { server, listener, request }
    this.#claims.add(one)
    pretendListening(server, request, listener, () => {
      if (this.#claims.has(one)) this.#claims.remove(one)
      return false
    })
    this.#commitSoon(one)
    return server
  }

  /** A server that is closed by then only checked whether the port is free. */
  #commitSoon(one: InterceptedServer): void {
    const isLate = this.#loaded
    const refused = (error: Error) => this.#refuse(error, isLate)
    setImmediate(() => void this.#commit(one, isLate, refused).catch(refused))
  }

  /** An app that is loaded already goes on without that server. */
  #refuse(error: Error, isLate = this.#loaded): void {
    if (isLate) this.#options.log('error', error.message)
    else this.#options.onRefused(error)
  }

  /**
   * Ignores a server where the exported app is served. It may do more than the export, so the next workers wait for it.
   */
  #ignore(server: Server, request: ListenRequest, listener: InheritedListener | undefined): Server {
    const isOwn = this.#isServed(server) || listener === undefined || this.#claims.isTaken(listener)
    let isOpen = true
    setImmediate(() => {
      if (!isOpen) return
      const wanted = this.#options.bindFrom === 'operator' ? listener : { port: listener?.port, ...request }
      if (wanted !== undefined && !isOwn && this.#unmatched.isBindable(wanted))
        return this.#options.late.onUnbound(listensElsewhere(wanted))
      const name = listener?.name ?? 'that server'
      const what = `The app's listen on ${describeListen(request)}`
      this.#options.log('info', `${what} is left out: tsicorn serves ${name} already`)
    })
    return pretendListening(server, request, listener, () => {
      isOpen = false
      return false
    })
  }

  async #commit(one: InterceptedServer, isLate: boolean, refused: (error: Error) => void): Promise<void> {
    if (!this.#claims.has(one)) return
    const { server, listener, request } = one
    if (servesNothing(server)) return this.#wait(one)
    const { bindFrom, late, isLeaving, check, log, onListen } = this.#options
    const isWrong = bindFrom === 'nobody' ? differs : contradicts
    if (isWrong(request, listener)) return refused(contradiction(one, this.#options))
    if (isLate && !(await late.takeOver(one))) return
    if (isLeaving()) return this.#onListening()
    log('info', `The app's listen on ${describeListen(request)} was redirected to ${listener.name}`)
    if (check) return this.#onListening()
    restoreServer(server)
    if (!isLate) onListen?.(server, listener)
    const failed = (cause: Error) =>
      refused(new BindFailed(`Cannot listen on ${listener.name}: ${cause.message}`, { cause }))
    server.prependOnceListener('error', failed)
    const release = suppressEvent(server, 'listening', () => {
      release()
      if (!this.#loaded) this.#unreffed.push(server.unref())
      server.off('error', failed)
      this.#claims.opened()
      this.#onListening()
    })
    if (listener.path !== undefined) overrideAddress(server, listener.path)
    const { backlog = this.#options.backlog } = request
    this.#claims.replace(one)
    const listen = (target: object) => void this.#pass(server, [{ ...target, backlog }, backlog])
    late.descriptors.listen(server, listener, backlog, listen)
  }

  /** Leaves its place to others until it serves something. */
  #wait(one: InterceptedServer): void {
    this.#claims.remove(one)
    whenServing(one.server, () => {
      const isFree = this.#loaded ? this.awaited.includes(one.listener) : !this.#claims.isTaken(one.listener)
      if (!isFree || !isShownListening(one.server)) return
      this.#claims.add(one)
      this.#commitSoon(one)
    })
  }
}
