/** The arbiter's end of a socket between two processes, as Node would show it. */
import { EventEmitter } from 'node:events'
import type { Machine } from './machine.ts'

export class Pipe extends EventEmitter {
  writable = true
  readonly writableLength = 0
  readonly #machine: Machine
  readonly #take: (text: string) => void
  /** Data that came while nobody wanted any. */
  #waiting: Buffer[] = []
  #isPaused = false
  #hasEnded = false
  #isClosed = false
  /** When what was said last arrives: nothing overtakes it. */
  #lastAt = 0

  /** `take` is the other end, which gets what is written when it is written. */
  constructor(machine: Machine, take: (text: string) => void) {
    super()
    this.#machine = machine
    this.#take = take
  }

  write(text: string): boolean {
    if (this.writable) this.#take(text)
    return true
  }

  /** The other end writes. */
  say(text: string, milliseconds?: number, heard?: () => void): void {
    this.#later(milliseconds, () => {
      this.#waiting.push(Buffer.from(text))
      this.#flush()
      heard?.()
    })
  }

  /** The other end is closed. */
  end(milliseconds?: number): void {
    this.#later(milliseconds, () => {
      this.writable = false
      this.#hasEnded = true
      this.#flush()
    })
  }

  #later(milliseconds = this.#machine.random() * 2, run: () => void): void {
    const { now } = this.#machine.clock
    this.#lastAt = Math.max(this.#lastAt, now + milliseconds)
    this.#machine.tell(run, this.#lastAt - now)
  }

  #flush(): void {
    if (this.#isPaused) return
    for (const bytes of this.#waiting.splice(0)) this.emit('data', bytes)
    if (!this.#hasEnded || this.#isClosed) return
    this.#isClosed = true
    this.emit('close')
  }

  pause(): this {
    this.#isPaused = true
    return this
  }

  resume(): this {
    this.#isPaused = false
    this.#machine.tell(() => this.#flush(), 0)
    return this
  }

  destroy(): void {
    this.writable = false
    this.#waiting = []
    this.#isPaused = true
  }
}
