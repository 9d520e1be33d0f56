/** Warns the operator when a signal changed nothing, and says why. */
import type { Resolved } from '../../config/resolve/resolve.ts'
import type { Settings } from '../../config/table.ts'
import type { SignalName } from '../state/phase.ts'
import type { Scale } from '../state/scale.ts'
import { isInForeground } from './signals.ts'

/** What to warn of; call it after the arbiter has reacted to the signal. */
export function describeNoEffect(
  name: SignalName,
  before: Scale,
  after: Scale,
  { settings }: Resolved,
): string | undefined {
  const why = whyNoEffect(name, before, after, settings)
  return why === undefined ? undefined : `${name} has no effect: ${why}`
}

/** Undefined if it had an effect, or may still have one. */
function whyNoEffect(
  name: SignalName,
  before: Scale,
  after: Scale,
  { errorlog, accesslog, logger_class }: Settings,
): string | undefined {
  const isSame = before.wanted === after.wanted
  if (name === 'TTOU' && isSame) return 'one worker is the least, and WINCH sends all of them away'
  if (name === 'TTIN' && isSame) return `${before.wanted} workers are the most`
  if (name === 'WINCH' && isSame) return 'all workers are away: TTIN brings one back, HUP all of them'
  const isFile = (place: string | null) => place !== null && place !== '-'
  if (name === 'USR1' && !isFile(errorlog) && !isFile(accesslog) && logger_class === null)
    return 'no log is a file'
  return undefined
}

/** A terminal sends WINCH whenever its window is resized: that is no command from an operator. */
export class WindowChanges {
  #isTold = false

  /** Whether this signal is such a WINCH; only the first one is logged. */
  ignore(name: SignalName, log: { info(message: string): void }): boolean {
    if (name !== 'WINCH' || !isInForeground()) return false
    if (!this.#isTold) log.info('WINCH has no effect: a terminal sends it whenever its window changes')
    this.#isTold = true
    return true
  }
}
