/** The messages between the harness and its client processes. */
import type { Result } from './connection.ts'

/** The task of a client process, as JSON on its command line. */
export interface ClientOrder {
  readonly tcp: { readonly host: string; readonly port: number }
  readonly unix: { readonly path: string }
  /** The certificate authority of a server with TLS. */
  readonly ca?: string
  /** Names of kinds. */
  readonly kinds: readonly string[]
  /** Request numbers start here: no two processes may use the same ones. */
  readonly firstId: number
  readonly seed: number
  /** How long a closed-loop client pauses between two requests, in milliseconds. */
  readonly pause: number
}

/** A request without its expected answer. Times are milliseconds of the wall clock. */
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
  /** How long its process did not run, meanwhile and shortly before, in milliseconds. */
  readonly heldUp: number
}

export type FromClient =
  /** Requests answered since the last message, by kind. */
  | { readonly type: 'answered'; readonly counts: Readonly<Record<string, number>> }
  | { readonly type: 'failed'; readonly failure: Failure }
  /** The client knows that the server stops. */
  | { readonly type: 'warned' }

export type ToClient =
  /** Send no requests for a while, or resume. */
  | { readonly type: 'hold' | 'go on' }
  /** The server is about to stop: a client that is refused from now on has finished. */
  | { readonly type: 'server stops' }
  /** Finish the requests under way, and leave. */
  | { readonly type: 'stop' }
