/** A load of some seconds on one server, by the load generator that fits: wrk, h2load, or else autocannon. */
import { spawnSync } from 'node:child_process'
import { autocannon } from './autocannon.ts'
import { h2load } from './h2load.ts'
import type { Target } from './target.ts'
import { wrk } from './wrk.ts'

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

export type Generator = (target: Target, load: Load, seconds: number) => Promise<LoadResult>

const hasWrk = isInstalled('wrk')
const hasH2load = isInstalled('h2load')

/** Those that are used here. */
export const generatorNames = [hasWrk ? 'wrk' : 'autocannon', ...(hasH2load ? ['h2load'] : [])]

/** The one that loads such a server, or undefined if none is installed that can. */
export function generatorFor({ protocol, socket }: Pick<Target, 'protocol'> & { readonly socket?: unknown }) {
  const fits = protocol === 'http2' || socket !== undefined
  if (fits && hasH2load) return h2load
  if (protocol === 'http2') return undefined
  return !fits && hasWrk ? wrk : autocannon
}

function isInstalled(name: string): boolean {
  return spawnSync(name, ['--version']).error === undefined
}
