/** Chooses the load generator that fits: wrk, h2load, or else autocannon. */
import { spawnSync } from 'node:child_process'
import { autocannon } from './autocannon.ts'
import { h2load } from './h2load.ts'
import type { Target } from './target.ts'
import { wrk } from './wrk.ts'

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
