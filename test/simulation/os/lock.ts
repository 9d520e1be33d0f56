/** `daemon/process/lock.ts` of a simulated machine, which one arbiter has for itself. */

import { machine } from '../machine/machine.ts'
import { systemError } from '../machine/system-error.ts'

export class LockedError extends Error {
  readonly pid = 0
}

export function takeLock(path: string): { release(): void } {
  const { files, faults } = machine()
  if (faults.has('disk full')) throw systemError('ENOSPC')
  files.create(path)
  return { release: () => void files.remove(path) }
}
