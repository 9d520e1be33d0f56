/** Long work in short turns of the event loop: the arbiter has other things to do meanwhile. */
import { setImmediate as nextTurn } from 'node:timers/promises'

/** Work that may be interrupted at each `yield`. */
export type Steps<Result> = Generator<void, Result>

/** How long one piece of work may hold up the loop, in milliseconds, but for its last step. */
const turnMs = 1

/** Does it in many turns. */
export async function inTurns<Result>(work: Steps<Result>): Promise<Result> {
  for (;;) {
    const end = performance.now() + turnMs
    do {
      const { done, value } = work.next()
      if (done) return value
    } while (performance.now() < end)
    await nextTurn()
  }
}

/** Does it at once. */
export function atOnce<Result>(work: Steps<Result>): Result {
  for (;;) {
    const { done, value } = work.next()
    if (done) return value
  }
}
