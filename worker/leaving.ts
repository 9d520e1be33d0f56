/** How far a worker is on its way out. It goes on, and never back. */

/** How long the app and `worker_exit` may take at least, in milliseconds, however long the requests took. */
export const minLeaveMs = 1_000

/** How long the last lines of the access log may delay the shutdown of the app, in milliseconds: the app may exit. */
export const flushMs = 500

/** How long before the limit of leaving the access log is given up, in milliseconds. */
export const lastLinesMs = 250

/** `told` to leave, it may still finish; `quitting`, it may not; `ending`, only the app's end is awaited. */
const stages = ['none', 'told', 'quitting', 'ending'] as const

export class Leaving {
  #stage: (typeof stages)[number] = 'none'

  get hasBegun(): boolean {
    return this.#stage !== 'none'
  }

  /** Goes on to this stage; false if it has got there already. */
  proceed(stage: (typeof stages)[number]): boolean {
    if (stages.indexOf(stage) <= stages.indexOf(this.#stage)) return false
    this.#stage = stage
    return true
  }
}
