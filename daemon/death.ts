/** What the end of a worker means, and what the log says about it. */
import type { LogLevel } from '../worker/protocol.ts'
import { youth } from './back-off.ts'
import type { Child, Ending } from './child.ts'
import type { Life } from './life.ts'

/**
 * `expected`: it was asked to leave. `unbound`: somebody else listens on its address. `unborn`: it was never ready, and
 * its generation was never whole. `young`: it will not help to start it again at once. `sudden`: any other.
 */
export type Death = 'expected' | 'unbound' | 'unborn' | 'young' | 'sudden'

export interface LastState {
  readonly life: Life
  readonly quit: boolean
  readonly failure: { readonly why: string } | undefined
  /** How long it had been in that state, in milliseconds. */
  readonly lasted: number
  /** Its generation was in force: all wanted workers of it had been ready once. */
  readonly proven: boolean
}

export function classify({ life, quit, failure, lasted, proven }: LastState): Death {
  if (life === 'draining' || quit) return 'expected'
  if (life === 'ready') return lasted < youth ? 'young' : 'sudden'
  if (proven) return 'young'
  return failure?.why === 'bind' ? 'unbound' : 'unborn'
}

/** How a worker ended, as one line; `expected` ends that went well are of little interest. */
export function obituary(child: Child, death: Death): { readonly level: LogLevel; readonly text: string } {
  const who = child.pid === undefined ? `Worker ${child.age}` : `Worker ${child.age} (pid ${child.pid})`
  return {
    level: child.killed ? 'warning' : levelOf(child.ending as Ending, death),
    text: `${who} ${how(child)}`,
  }
}

function how(child: Child): string {
  const { code, signal } = child.ending as Ending
  const why = child.reason === undefined ? '' : `: ${child.reason}`
  if (signal !== null) return `was ended by ${signal}${why || guess(signal)}`
  if (code === null) return child.reason ?? 'was never started'
  return `exited with code ${code}${why}`
}

/** Nobody here sent that signal. */
function guess(signal: NodeJS.Signals): string {
  return signal === 'SIGKILL' ? ': sent by somebody else, or by the kernel because memory ran out' : ''
}

function levelOf({ code, signal }: Ending, death: Death): LogLevel {
  if (code === 0) return death === 'expected' ? 'info' : 'warning'
  if (signal === 'SIGTERM') return 'info'
  return signal === null || signal === 'SIGKILL' ? 'error' : 'warning'
}
