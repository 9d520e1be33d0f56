/** The server's state in one line, for `systemctl status`. */
import type { Phase } from './phase.ts'

export interface Standing {
  readonly phase: Phase
  /** How many workers are wanted, how many serve, and how many are alive. */
  readonly wanted: number
  readonly ready: number
  readonly living: number
  /** The number of the generation that serves. */
  readonly generation: number
  /** How the last reload failed, if it did. */
  readonly failure: string | undefined
}

export function statusOf({ phase, wanted, ready, living, generation, failure }: Standing): string {
  switch (phase.name) {
    case 'booting':
      return `Starting: ${ready} of ${workers(wanted)} ready`
    case 'waiting':
      return 'Waiting for the app to be mended'
    case 'running':
    case 'reloading': {
      const fleet =
        ready === wanted || phase.name === 'reloading'
          ? workers(ready)
          : `${ready} of ${workers(wanted)} ready`
      const news = phase.name === 'reloading' ? ', reloading' : failure === undefined ? '' : `; ${failure}`
      return `${fleet}, generation ${generation}${news}`
    }
    case 'stopping':
      return `Stopping: ${workers(living)} left`
    case 'stopped':
      return 'Stopped'
  }
}

function workers(number: number): string {
  return `${number} worker${number === 1 ? '' : 's'}`
}
