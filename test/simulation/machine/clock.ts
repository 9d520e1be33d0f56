/** A clock that moves from one event to the next, and the events that are to come. */

/** Whose event it is: what concerns the arbiter waits while the arbiter is stopped. */
export type Owner = 'arbiter' | 'world'

export interface Entry {
  at: number
  readonly order: number
  readonly owner: Owner
  readonly run: () => void
  isCancelled: boolean
}

export class Clock {
  /** Milliseconds of the monotonic clock. */
  now = 1_000_000
  #heap: Entry[] = []
  #order = 0

  after(milliseconds: number, run: () => void, owner: Owner = 'world'): Entry {
    this.#order += 1
    const at = this.now + Math.max(0, milliseconds)
    const entry = { at, order: this.#order, owner, run, isCancelled: false }
    this.#push(entry)
    return entry
  }

  /** Takes the next event off the list and moves to its time. */
  next(): Entry | undefined {
    for (;;) {
      const entry = this.#pop()
      if (entry?.isCancelled) continue
      if (entry !== undefined) this.now = Math.max(this.now, entry.at)
      return entry
    }
  }

  /** Puts an event back that cannot happen yet; it keeps its place among those of the same time. */
  postpone(entry: Entry, at: number): void {
    entry.at = at
    this.#push(entry)
  }

  /** The whole machine sleeps: all but the arbiter's timers, which compare clocks, come so much later. */
  sleep(milliseconds: number): void {
    const entries = this.#heap
    this.#heap = []
    this.now += milliseconds
    for (const entry of entries) {
      if (entry.owner === 'world') entry.at += milliseconds
      this.#push(entry)
    }
  }

  /** What is still to come for this owner. */
  pending(owner: Owner): readonly Entry[] {
    return this.#heap.filter(entry => entry.owner === owner && !entry.isCancelled)
  }

  #push(entry: Entry): void {
    const heap = this.#heap
    let place = heap.push(entry) - 1
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (!isBefore(entry, heap[parent] as Entry)) break
      heap[place] = heap[parent] as Entry
      place = parent
    }
    heap[place] = entry
  }

  #pop(): Entry | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return first
    let place = 0
    for (;;) {
      let child = 2 * place + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Entry, heap[child] as Entry)) child += 1
      if (!isBefore(heap[child] as Entry, last)) break
      heap[place] = heap[child] as Entry
      place = child
    }
    heap[place] = last
    return first
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.at === b.at ? a.order < b.order : a.at < b.at
}
