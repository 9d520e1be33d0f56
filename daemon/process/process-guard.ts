/**
 * Keeps user code in this process (the configuration, hooks, a logger) from ending it: what nothing else handles is
 * heard here, and calls that end a process throw instead.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { userStackOf } from '../../hooks/thrown.ts'

/** How often to look whether all threads are done, and how long to wait in between, in milliseconds. */
const leaveTries = 10
const leavePauseMs = 50

export class ProcessGuard {
  /** Ends the process. */
  readonly exit = process.exit.bind(process)
  /** Hears what was thrown, or rejected with, and handled by nobody. */
  onStray: (error: unknown) => void
  readonly #hear = (error: unknown) => this.onStray(error)

  constructor(onStray: (error: unknown) => void) {
    this.onStray = onStray
    this.keep()
    for (const name of ['exit', 'abort'] as const) Object.assign(process, { [name]: refuse(name) })
    const remove = process.removeAllListeners
    process.removeAllListeners = name => {
      // Without a name, what Node itself listens for goes too, and no signal can ever be heard again.
      if (name === undefined) throw new Error('process.removeAllListeners() is too much: name an event')
      return Reflect.apply(remove, process, [name])
    }
  }

  /**
   * Ends the process. Node waits for its threads, and one may wait for ever: to write to a socket that nobody reads. Then a
   * signal ends it, the one that supervisors take for an orderly end where it is one.
   */
  async leave(code: number): Promise<void> {
    for (let tries = 0; tries < leaveTries; tries += 1) {
      if (!process.getActiveResourcesInfo().includes('FSReqCallback')) return this.exit(code)
      await sleep(leavePauseMs)
    }
    process.kill(process.pid, code === 0 ? 'SIGTERM' : 'SIGKILL')
  }

  /** Listens again where somebody has removed the listener. */
  keep(): void {
    // Rejections that nobody handles come here as well.
    if (!process.listeners('uncaughtException').includes(this.#hear)) {
      process.on('uncaughtException', this.#hear)
    }
  }
}

function refuse(name: 'exit' | 'abort') {
  return (code?: unknown): never => {
    throw new Error(`process.${name}(${code ?? ''}) is not for configurations and hooks: send TERM to stop`)
  }
}

/** A line of the log about a stray error; `files` are those that may have thrown it. */
export function describeStray(error: unknown, files: readonly string[]): string {
  const stack = userStackOf(error)
  const file = files.find(path => stack.includes(path))
  const where = file === undefined ? '' : ` in ${file}`
  return `Nothing handled an error${where}, and the server goes on: ${stack}`
}
