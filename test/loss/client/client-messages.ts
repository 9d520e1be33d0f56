/** What the harness and its client processes say to each other. */
import type { Result } from './connection.ts'

/** What a client process has to know, as JSON on its command line. */
export interface ClientOrder {
  readonly tcp: { readonly host: string; readonly port: number }
  readonly unix: { readonly path: string }
  /** The authority of a server that speaks TLS. */
  readonly ca?: string
  /** Names of kinds. */
  readonly kinds: readonly string[]
  /** Numbers of requests start here: no two processes may use the same. */
  readonly firstId: number
  readonly seed: number
  /** How long a closed-loop client thinks between two requests, in milliseconds. */
  readonly pause: number
}

/** A request that was not answered as it should have been. Times are milliseconds of the wall clock. */
export interface Failure {
  readonly kind: string
  readonly id: number
  readonly result: Exclude<Result, 'ok'>
  readonly detail: string
  readonly received: number
  readonly before: number
  readonly idle: number
  readonly worker: number | undefined
  readonly began: number
  readonly ended: number
  /** How long its process stood still meanwhile and shortly before, in milliseconds. */
  readonly heldUp: number
}

export type FromClient =
  /** Requests answered since the last message, by kind. */
  | { readonly type: 'answered'; readonly counts: Readonly<Record<string, number>> }
  | { readonly type: 'failed'; readonly failure: Failure }
  /** It knows that the server stops. */
  | { readonly type: 'warned' }

export type ToClient =
  /** Ask nothing for a while, or go on asking. */
  | { readonly type: 'hold' | 'go on' }
  /** The server is going to stop: whoever is refused from now on has nothing left to do. */
  | { readonly type: 'server stops' }
  /** Finish what is under way, and leave. */
  | { readonly type: 'stop' }
