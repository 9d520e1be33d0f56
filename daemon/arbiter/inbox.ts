/**
 * The one place where the arbiter waits. Signals, deaths, messages and time only put something in here.
 */
export class Inbox<Event> {
  readonly #events: Event[] = []
  #wake: (() => void) | undefined

  put(event: Event): void {
    this.#events.push(event)
    this.#wake?.()
  }

  /** The next event, in the order of arrival. */
  async next(): Promise<Event> {
    if (this.#events.length === 0) {
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
      this.#wake = undefined
    }
    return this.#events.shift() as Event
  }
}
