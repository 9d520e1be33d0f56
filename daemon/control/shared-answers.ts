/** Long answers, made once for all clients that wait for them. */
import { inTurns, type Steps } from '../system/steps.ts'

/**
 * Who asks while an answer is being made waits for the next one, with all others that do: what was asked for and done
 * before is in it, and however many ask, one is made at a time.
 */
export class SharedAnswers {
  /** The last answer that is being made, or the one before. */
  #last: Promise<unknown> = Promise.resolve()
  /** Those that have not begun, by what they are about. */
  readonly #next = new Map<string, Promise<Buffer>>()

  async make(about: string, work: () => Promise<Steps<Buffer>>): Promise<Buffer> {
    const known = this.#next.get(about)
    if (known !== undefined) return await known
    const made = this.#last.then(async () => {
      this.#next.delete(about)
      return await inTurns(await work())
    })
    this.#last = made.catch(() => undefined)
    this.#next.set(about, made)
    return await made
  }
}
