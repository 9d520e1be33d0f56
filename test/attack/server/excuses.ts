/** What was done to a server that explains why a request failed, and for how long it does. */
import type { Failure } from '../../loss/client/client-messages.ts'
import type { Result } from '../../loss/client/connection.ts'

export interface Excuse {
  readonly why: string
  /** Only requests of these workers, and those of which no byte of an answer says whose they were; of all by default. */
  readonly workers?: readonly number[]
  /** Only requests of these kinds of clients. */
  readonly kinds?: RegExp
  /** Only the first request of a connection. */
  readonly isFirst?: true
  readonly results: readonly Result[]
}

/** What becomes of requests under way when their worker dies. */
export const cut: readonly Result[] = ['reset', 'short body', 'not begun']

/** How long after the end of a fault its victims may notice, in milliseconds. */
const noticeMs = 1_000

interface Window extends Excuse {
  readonly from: number
  until: number
}

export class Excuses {
  readonly #windows: Window[] = []

  /** From now on, until the returned function is called and a moment longer. */
  begin(excuse: Excuse): () => void {
    const window: Window = { ...excuse, from: Date.now(), until: Number.POSITIVE_INFINITY }
    this.#windows.push(window)
    return () => {
      window.until = Date.now() + noticeMs
    }
  }

  explains({ kind, result, worker, before, began, ended }: Failure): boolean {
    return this.#windows.some(
      ({ workers, kinds, isFirst, results, from, until }) =>
        results.includes(result) &&
        kinds?.test(kind) !== false &&
        (isFirst === undefined || before === 0) &&
        ended >= from &&
        began <= until &&
        (workers === undefined || worker === undefined || workers.includes(worker)),
    )
  }
}
