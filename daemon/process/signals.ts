/** Catches the arbiter's signals: a handler only puts the name into the inbox. */
import { readFileSync } from 'node:fs'
import { type SignalName, signalNames } from '../state/phase.ts'

export interface CaughtSignals {
  /** Adds handlers again that user code has removed: without one, the signal would end the process. */
  keep(): void
  release(): void
}

export function catchSignals(heard: (name: SignalName | 'CONT') => void): CaughtSignals {
  const handlers = [...signalNames, 'CONT' as const].map(name => {
    return { signal: `SIG${name}`, handler: () => heard(name) } as const
  })
  const keep = () => {
    for (const { signal, handler } of handlers) {
      if (!process.listeners(signal).includes(handler)) process.on(signal, handler)
    }
  }
  keep()
  return {
    keep,
    release() {
      for (const { signal, handler } of handlers) process.off(signal, handler)
    },
  }
}

/**
 * Whether a terminal sends WINCH to this process when its window is resized: then it is no command from an operator.
 */
export function isInForeground(): boolean {
  try {
    const fields = readFileSync('/proc/self/stat', 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    const [group, terminal, foregroundGroup] = [fields[2], fields[4], fields[5]]
    return terminal !== '0' && group === foregroundGroup
  } catch {
    // No /proc: not Linux.
    return process.stdout.isTTY === true || process.stderr.isTTY === true
  }
}
