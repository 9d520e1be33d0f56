/** A load of some seconds on one server. */
import type { Target } from './target.ts'

export interface Load {
  readonly path: string
  /** Bytes of the body that is posted. */
  readonly postedBytes?: number
  /** Each request has a connection of its own. */
  readonly isFresh?: boolean
  readonly connections: number
}

export interface LoadResult {
  /** Those that were answered. */
  readonly requests: number
  readonly seconds: number
  /** Answers that are none of 200, and connections that broke. */
  readonly failed: number
  /** Milliseconds within which so many percent were answered. */
  readonly p50: number
  readonly p99: number
  readonly p999: number
}

/** Milliseconds after which a load generator that has not ended is ended: a server may have stopped answering. */
export const patienceFor = (extent: Extent): number =>
  60_000 + ('seconds' in extent ? extent.seconds * 1_000 : extent.requests * 10)

/** How long a load lasts. */
export type Extent = { readonly seconds: number } | { readonly requests: number }

export type Generator<Kind extends Extent = { readonly seconds: number }> = (
  target: Target,
  load: Load,
  extent: Kind,
) => Promise<LoadResult>
