/** The descriptors of the inherited sockets, two each: the first one is gone when the app closes the server that has it. */
import { closeSync } from 'node:fs'
import type { InheritedListener } from '../protocol/messages.ts'

export class Descriptors {
  readonly #used = new Set<InheritedListener>()
  readonly #spare: Set<InheritedListener>
  #isClosed = false

  constructor(listeners: readonly InheritedListener[]) {
    this.#spare = new Set(listeners)
  }

  /** Whether the worker stops accepting: servers only believe that they listen. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Whether a server can listen there. */
  isLeft(listener: InheritedListener): boolean {
    return this.#isClosed || !this.#used.has(listener) || this.#spare.has(listener)
  }

  /** Returns the descriptor to listen on; call it only where one is left. */
  take(listener: InheritedListener): number {
    const isFirst = !this.#used.has(listener)
    this.#used.add(listener)
    if (isFirst) return listener.fd
    this.#spare.delete(listener)
    return listener.spare
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
  }
}
