/** Why a signal changed nothing, for those who wait for what it does. */
import type { Settings } from '../config/table.ts'
import type { SignalName } from './phase.ts'
import type { Scale } from './scale.ts'
import type { Server } from './server.ts'

/** To be called when the arbiter has reacted to the signal. */
export function tellNoEffect(name: SignalName, before: Scale, { log, scale, resolved }: Server): void {
  const why = whyNoEffect(name, before, scale, resolved.settings)
  if (why !== undefined) log.warning(`${name} has no effect: ${why}`)
}

/** Undefined where it had an effect, or may have one yet. */
function whyNoEffect(
  name: SignalName,
  before: Scale,
  after: Scale,
  { errorlog, accesslog, logger_class }: Settings,
): string | undefined {
  const isSame = before.wanted === after.wanted
  if (name === 'TTOU' && isSame) return 'one worker is the least, and WINCH sends all of them away'
  if (name === 'WINCH' && isSame) return 'all workers are away: TTIN brings one back, HUP all of them'
  const isFile = (place: string | null) => place !== null && place !== '-'
  if (name === 'USR1' && !isFile(errorlog) && !isFile(accesslog) && logger_class === null)
    return 'no log is a file'
  return undefined
}
