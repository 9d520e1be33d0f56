/** Servers that the app starts after it is loaded: for metrics, when a database is connected, or in place of another. */
import type { InterceptedServer, LateListens } from '../listen/claims.ts'
import { Descriptors } from '../listen/descriptors.ts'
import { tellArbiter } from '../process/arbiter-channel.ts'
import { whilePending } from '../process/pending.ts'
import type { Elsewhere } from '../protocol/boot-error.ts'
import { truncate } from '../protocol/frame.ts'
import type { InheritedListener } from '../protocol/messages.ts'

/** A worker that serves. */
interface Serving {
  /** Adds a server of the app that is about to listen; false when the worker no longer accepts. */
  add(one: InterceptedServer): boolean
}

/** How long an app that has closed its server may take to open another one, in milliseconds. */
const reopenMs = 5_000

export class LateServers implements LateListens {
  readonly descriptors: Descriptors
  readonly #serving = Promise.withResolvers<Serving>()
  readonly #onReopened = new Map<InheritedListener, () => void>()

  constructor(listeners: readonly InheritedListener[]) {
    this.descriptors = new Descriptors(listeners)
  }

  onUnbound({ message, binds }: Elsewhere): void {
    tellArbiter({ type: 'listens', message: truncate(message), binds })
  }

  async takeOver(one: InterceptedServer): Promise<boolean> {
    const serving = await this.#serving.promise
    // The app may have closed it again.
    const isTaken = one.server.listening && !this.descriptors.isClosed && serving.add(one)
    if (isTaken) this.#onReopened.get(one.listener)?.()
    return isTaken
  }

  /** Call when the worker begins to serve. */
  serve(serving: Serving): void {
    this.#serving.resolve(serving)
  }

  /**
   * Call when the app has closed its server: resolves with true once another one listens in its place; with false when
   * nothing goes on that could open one, by which a standalone program ends, and after a while.
   */
  async reopens(listener: InheritedListener | undefined): Promise<boolean> {
    if (listener === undefined) return false
    const { promise, resolve } = Promise.withResolvers<boolean>()
    this.#onReopened.set(listener, () => resolve(true))
    const limit = setTimeout(resolve, reopenMs, false).unref()
    const isServed = await whilePending(promise, () => false)
    clearTimeout(limit)
    return isServed
  }
}
