/** What orchestrators and load balancers ask: is it alive, has it started, should it get requests. */
import type { ControlledServer } from '../control/controlled.ts'

export interface Health {
  readonly isGood: boolean
  readonly words: string
}

/**
 * The answers by path. `live`: the arbiter's loop turns, whatever the workers do: restart it only if this fails.
 * `startup`: it has served once. `ready`: workers serve, and it is not about to stop.
 */
export function healthOf(
  server: Pick<ControlledServer, 'phase' | 'fleet' | 'journal'> | undefined,
): Readonly<Record<'/-/live' | '/-/ready' | '/-/startup', Health>> {
  const phase = server?.phase.name ?? 'booting'
  const ready = server?.fleet.ready.length ?? 0
  const hasServed = server !== undefined && server.journal.count('serving') > 0
  const serves = (phase === 'running' || phase === 'reloading') && ready > 0
  const words = `${phase}, ${ready} ready`
  return {
    '/-/live': { isGood: true, words: phase },
    '/-/startup': { isGood: hasServed, words },
    '/-/ready': { isGood: serves, words },
  }
}
