/** The one place where the arbiter waits. Signals, exits, messages and timers only put an event into it. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { monotonicNow } from '../../worker/protocol/scoreboard.ts'
import type { Command } from '../control/controlled.ts'
import type { RenewalEvent } from '../generation/certificate-watcher.ts'
import type { Generation } from '../generation/generation.ts'
import type { GenerationsEvent } from '../generation/generations.ts'
import type { WatchEvent } from '../generation/source-watcher.ts'
import type { UpgraderEvent } from '../process/upgrader.ts'
import type { LoadEvent } from '../scaling/autoscaler.ts'
import type { SignalName } from '../state/phase.ts'
import type { ChildEvent } from '../workers/worker-handle.ts'

/** How long events are handled in one turn of the event loop, in milliseconds, but for the last of them. */
const turnMs = 5

export class Inbox<Event> {
  readonly #events: Event[] = []
  /** When this turn is over; undefined before its first event. */
  #turnEnd: number | undefined
  #wake: (() => void) | undefined

  put(event: Event): void {
    this.#events.push(event)
    this.#wake?.()
  }

  /** Returns the next event, in order of arrival; in the next turn, where those before it took long. */
  async next(): Promise<Event> {
    if (this.#events.length === 0) {
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
      this.#wake = undefined
    }
    if (this.#turnEnd !== undefined && monotonicNow() >= this.#turnEnd) await nextTurn()
    if (this.#turnEnd === undefined) {
      this.#turnEnd = monotonicNow() + turnMs
      setImmediate(() => {
        this.#turnEnd = undefined
      })
    }
    return this.#events.shift() as Event
  }
}

/** What the parts of a server put in the inbox. */
export type ServerEvent =
  | ChildEvent
  | GenerationsEvent
  | UpgraderEvent
  | WatchEvent
  | RenewalEvent
  | LoadEvent
  | { readonly type: 'hook ended' }

/** Every event that an arbiter handles. */
export type ArbiterEvent =
  | ServerEvent
  | { readonly type: 'signal'; readonly name: SignalName }
  | { readonly type: 'continued' }
  | { readonly type: 'stray'; readonly error: unknown }
  | { readonly type: 'hooks ended' }
  | { readonly type: 'tick' }
  /** By a client of the control socket. */
  | { readonly type: 'asked'; readonly command: Command }

/** What is known about a trigger. */
export interface TriggerDetails {
  readonly generation?: Generation
  readonly error?: unknown
  /** Of the error that ended a worker. */
  readonly stack?: string | undefined
}
