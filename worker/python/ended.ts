/** The end of a Python process that was started here. */
import type { ChildProcess } from 'node:child_process'
import { whyNotStarted } from './command.ts'
import { lastWordsMs } from './host-link.ts'

export interface End {
  /** In words. */
  readonly how: string
  readonly hasRun: boolean
}

/** Resolves once everything that it said has been read; never rejects. `onExit` is called before that. */
export function endOf(
  child: ChildProcess,
  python: string,
  onExit: () => void = () => undefined,
): Promise<End> {
  return new Promise(resolve => {
    child.once('error', error => {
      if (child.pid === undefined) resolve({ how: whyNotStarted(error, python), hasRun: false })
    })
    child.once('exit', (code, signal) => {
      const how = signal === null ? `ended with code ${code}` : `was killed by ${signal}`
      const end = () => resolve({ how, hasRun: true })
      // A process that it has started may hold its descriptors.
      const timer = setTimeout(end, lastWordsMs)
      onExit()
      child.once('close', () => {
        clearTimeout(timer)
        end()
      })
    })
  })
}
