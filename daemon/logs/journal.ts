/** What happens to the server, for those who follow it: commands that wait for an outcome, event streams, totals. */

export type JournalEvent =
  | { readonly type: 'worker booting' | 'worker ready'; readonly worker: WorkerName }
  | { readonly type: 'worker leaving'; readonly worker: WorkerName; readonly why: string }
  | {
      readonly type: 'worker exited'
      readonly worker: WorkerName
      readonly kind: string
      readonly text: string
    }
  | { readonly type: 'serving'; readonly generation: number }
  /** Under `reload`, it could not start, and waits for a change. */
  | { readonly type: 'waiting'; readonly error: string }
  | { readonly type: 'wanted'; readonly workers: number; readonly before: number }
  | { readonly type: 'reload started'; readonly reload: number }
  | {
      readonly type: 'reload succeeded'
      readonly reload: number
      readonly generation: number
      /** Seconds. */
      readonly took: number
    }
  | { readonly type: 'reload failed'; readonly reload: number; readonly error: string }
  | { readonly type: 'new arbiter started' | 'new arbiter ready'; readonly pid: number | undefined }
  | { readonly type: 'upgrade failed'; readonly error: string }
  | { readonly type: 'promoted' }
  | { readonly type: 'stopping'; readonly text: string }

export interface WorkerName {
  readonly age: number
  readonly pid: number | undefined
  readonly generation: number
}

export class Journal {
  readonly #followers = new Set<(event: JournalEvent) => void>()
  readonly #exits = new Map<string, number>()
  readonly #counts = new Map<JournalEvent['type'], number>()

  note(event: JournalEvent): void {
    increment(this.#counts, event.type)
    if (event.type === 'worker exited') increment(this.#exits, event.kind)
    for (const follower of this.#followers) follower(event)
  }

  /** How often this has happened. */
  count(type: JournalEvent['type']): number {
    return this.#counts.get(type) ?? 0
  }

  /** How many workers have ended, by kind of exit. */
  get exits(): ReadonlyMap<string, number> {
    return this.#exits
  }

  /** Calls `follower`, which must not throw, for each event; returns a function that ends it. */
  follow(follower: (event: JournalEvent) => void): () => void {
    this.#followers.add(follower)
    return () => void this.#followers.delete(follower)
  }
}

function increment<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
