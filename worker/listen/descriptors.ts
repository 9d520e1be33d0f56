/**
 * The descriptors of the inherited sockets, two each: the first one is gone when the app closes the server that has it.
 * The handle of the second one stays open for all servers that follow there.
 */
import { closeSync } from 'node:fs'
import type { Server } from 'node:net'
import { AppError } from '../protocol/boot-error.ts'
import type { InheritedListener } from '../protocol/messages.ts'
import { targetOf } from './listen-request.ts'

/** What `node:net` keeps the socket of a server in. */
interface Handle {
  onconnection: (error: number, client?: object) => void
  close(done?: () => void): void
  ref(): void
  unref(): void
}

/** What `listen` ends in, from Node 22 to 26: it takes a handle that is there. */
interface ServerOfNode {
  _handle: Handle | null
  /** Undefined in a Node that has it under another name: then an app can replace its server once. */
  _listen2?(address: null, port: number, addressType: number, backlog: number | undefined): void
}

/** A handle whose server the app has closed. */
interface Parked {
  readonly handle: Handle
  /** Passes on the connections that came since, to the server that has the handle. */
  passOn(): void
}

/** Node's own `listen`, of that server. */
type Listen = (target: object) => void

export class Descriptors {
  readonly #used = new Set<InheritedListener>()
  readonly #spare: Set<InheritedListener>
  readonly #parked = new Map<InheritedListener, Parked>()
  #isClosed = false

  constructor(listeners: readonly InheritedListener[]) {
    this.#spare = new Set(listeners)
  }

  /** Whether the worker stops accepting: servers only believe that they listen. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Makes the server listen there. */
  listen(server: Server, listener: InheritedListener, backlog: number | undefined, listen: Listen): void {
    const isFirst = !this.#used.has(listener)
    this.#used.add(listener)
    if (listener.reuse_port || isFirst) return listen(targetOf(listener, listener.fd))
    const parked = this.#parked.get(listener)
    if (parked !== undefined && ofNode(server)._listen2 !== undefined) {
      this.#parked.delete(listener)
      return relisten(server, parked, backlog)
    }
    if (!this.#spare.delete(listener))
      throw new AppError(`Cannot listen on ${listener.name} once more: its descriptor is closed`)
    listen(targetOf(listener, listener.spare))
    this.#keep(listener, server)
  }

  /** Keeps the handle open when the app closes its server: there is no further descriptor. */
  #keep(listener: InheritedListener, server: Server): void {
    const handle = ofNode(server)._handle
    // It could not listen.
    if (handle === null) return
    const close = handle.close.bind(handle)
    handle.close = done => {
      if (this.#isClosed) close(done)
      else this.#parked.set(listener, park(handle))
    }
  }

  /** Call before the worker stops accepting: nobody may listen again, and no socket may stay open because of it. */
  close(): void {
    this.#isClosed = true
    for (const { spare } of this.#spare) {
      try {
        if (spare !== -1) closeSync(spare)
      } catch {
        // The app has closed it.
      }
    }
    this.#spare.clear()
    for (const { handle, passOn } of this.#parked.values()) {
      // No server follows: the last one answers.
      passOn()
      handle.close()
    }
    this.#parked.clear()
  }
}

/** Connections wait meanwhile: the kernel goes on accepting, and they belong to the server that comes next. */
function park(handle: Handle): Parked {
  const { onconnection } = handle
  const waiting: object[] = []
  handle.onconnection = (_error, client) => {
    if (client !== undefined) waiting.push(client)
  }
  // It must not keep the process from noticing that nothing goes on.
  handle.unref()
  const passOn = () => {
    handle.onconnection = onconnection
    for (const client of waiting) handle.onconnection(0, client)
  }
  return { handle, passOn }
}

function relisten(server: Server, { handle, passOn }: Parked, backlog: number | undefined): void {
  const node = ofNode(server)
  node._handle = handle
  handle.ref()
  node._listen2?.(null, -1, -1, backlog)
  passOn()
}

function ofNode(server: Server): ServerOfNode {
  return server as unknown as ServerOfNode
}
