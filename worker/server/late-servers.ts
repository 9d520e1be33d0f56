/** Servers that the app starts after it is loaded: for metrics, or when a database is connected. */
import type { InterceptedServer, LateListens } from '../listen/claims.ts'
import { tellArbiter } from '../process/arbiter-channel.ts'
import type { Elsewhere } from '../protocol/boot-error.ts'
import { truncate } from '../protocol/frame.ts'
import type { Serving } from './serve.ts'

export class LateServers implements LateListens {
  readonly #serving = Promise.withResolvers<Serving>()

  onUnbound({ message, binds }: Elsewhere): void {
    tellArbiter({ type: 'listens', message: truncate(message), binds })
  }

  async takeOver(one: InterceptedServer): Promise<boolean> {
    const serving = await this.#serving.promise
    return serving.add(one)
  }

  /** Call when the worker begins to serve. */
  serve(serving: Serving): void {
    this.#serving.resolve(serving)
  }
}
