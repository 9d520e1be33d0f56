/** The signals of the arbiter. A handler only puts the name in the inbox. */
import { readFileSync } from 'node:fs'
import { type SignalName, signalNames } from './phase.ts'

/** Installs the handlers; returns what takes them away again. */
export function catchSignals(heard: (name: SignalName | 'CONT') => void): () => void {
  const handlers = [...signalNames, 'CONT' as const].map(name => {
    const handler = () => heard(name)
    process.on(`SIG${name}`, handler)
    return () => process.off(`SIG${name}`, handler)
  })
  return () => {
    for (const remove of handlers) remove()
  }
}

/**
 * Whether a terminal would send WINCH to this process whenever its window changes: it then says nothing about what an
 * operator wants.
 */
export function isInForeground(): boolean {
  try {
    const fields = readFileSync('/proc/self/stat', 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    const [group, terminal, foregroundGroup] = [fields[2], fields[4], fields[5]]
    return terminal !== '0' && group === foregroundGroup
  } catch {
    // No /proc: systems other than Linux.
    return process.stdout.isTTY === true || process.stderr.isTTY === true
  }
}
