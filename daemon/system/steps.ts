/** Long work in short turns of the event loop: the arbiter has other things to do meanwhile. */

/** Work that may be interrupted at each `yield`. */
export type Steps<Result> = Generator<void, Result>

/** How long all work together may hold up the loop in one turn, in milliseconds, but for the last step. */
const turnMs = 1

/** Work under way. */
interface Work {
  /** Goes on until this time, or to its end; false if it has not ended. */
  readonly advance: (end: number) => boolean
}

/** In the order of their turns. */
const waiting: Work[] = []

/** Does it in many turns, which it shares with all other work that is done so. */
export async function inTurns<Result>(work: Steps<Result>): Promise<Result> {
  return await new Promise((resolve, reject) => {
    waiting.push({
      advance(end) {
        try {
          do {
            const { done, value } = work.next()
            if (done) {
              resolve(value)
              return true
            }
          } while (performance.now() < end)
          return false
        } catch (error) {
          reject(error)
          return true
        }
      },
    })
    if (waiting.length === 1) setImmediate(takeTurn)
  })
}

/** The work that has been interrupted goes on when the others have had their turns. */
function takeTurn(): void {
  const end = performance.now() + turnMs
  do {
    const [work] = waiting as [Work]
    const isDone = work.advance(end)
    waiting.shift()
    if (!isDone) waiting.push(work)
  } while (waiting.length > 0 && performance.now() < end)
  if (waiting.length > 0) setImmediate(takeTurn)
}

/** Does it at once. */
export function atOnce<Result>(work: Steps<Result>): Result {
  for (;;) {
    const { done, value } = work.next()
    if (done) return value
  }
}
