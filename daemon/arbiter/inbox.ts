/** The one place where the arbiter waits. Signals, exits, messages and timers only put an event into it. */
export class Inbox<Event> {
  readonly #events: Event[] = []
  #wake: (() => void) | undefined

  put(event: Event): void {
    this.#events.push(event)
    this.#wake?.()
  }

  /** Returns the next event, in order of arrival. */
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
