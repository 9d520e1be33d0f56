/** The descriptors of the inherited sockets, two each: the first one is gone when the app closes the server that has it. */
import { closeSync } from 'node:fs'
import type { InheritedListener } from '../protocol/messages.ts'

export class Descriptors {
  readonly #used = new Set<InheritedListener>()
  readonly #spare: Set<InheritedListener>

  constructor(listeners: readonly InheritedListener[]) {
    this.#spare = new Set(listeners)
  }

  /** Whether a server can listen there. */
  isLeft(listener: InheritedListener): boolean {
    return !this.#used.has(listener) || this.#spare.has(listener)
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
