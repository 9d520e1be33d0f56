/**
 * Keeps user code in this process (the configuration, hooks, a logger) from ending it: unhandled errors are caught
 * here, and calls that end a process throw instead, also in a listener of the process.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { userStackOf } from '../../hooks/thrown.ts'

/** How often to check whether all threads are done, and the pause between checks, in milliseconds. */
const leaveTries = 10
const leavePauseMs = 50

export class ProcessGuard {
  /** Ends the process. */
  readonly exit = process.exit.bind(process)
  /** Called with every error and rejection that nothing else handles. */
  onStray: (error: unknown) => void
  /** Called with what a listener of the process throws: whatever is under way has nothing to do with it. */
  onListenerFailed: (error: unknown) => void
  readonly #hear = (error: unknown) => this.onStray(error)

  constructor(onStray: (error: unknown) => void) {
    this.onStray = onStray
    this.onListenerFailed = onStray
    this.#callEachListener()
    this.keep()
    for (const name of ['exit', 'abort'] as const) Object.assign(process, { [name]: refuse(name) })
    const remove = process.removeAllListeners
    process.removeAllListeners = name => {
      // Without a name, Node's own listeners are removed too, and no signal is ever heard again.
      if (name === undefined) throw new Error('process.removeAllListeners() is too much: name an event')
      return Reflect.apply(remove, process, [name])
    }
  }

  /**
   * Has every listener of the process called, also behind one that throws: else a listener of the user's could keep a
   * signal from the arbiter, and end it where it throws on an uncaught exception.
   */
  #callEachListener(): void {
    const { emit, setUncaughtExceptionCaptureCallback: capture } = process
    const call = (listener: (...args: never) => unknown, args: readonly unknown[]) => {
      try {
        const returned: unknown = Reflect.apply(listener, process, args)
        // Else the rejection would count as one of whatever is under way.
        if (returned instanceof Promise) returned.catch(error => this.onListenerFailed(error))
      } catch (error) {
        this.onListenerFailed(error)
      }
    }
    const emitToEach = (name: string, ...args: readonly unknown[]): boolean => {
      const listeners = process.rawListeners(name)
      if (listeners.length === 0) return Reflect.apply(emit, process, [name, ...args])
      for (const listener of listeners) call(listener as () => unknown, args)
      return true
    }
    Object.assign(process, { emit: emitToEach })
    // Node has one of these, and calls it in place of the listeners.
    process.setUncaughtExceptionCaptureCallback = listener => {
      const both = (error: Error) => {
        call(this.#hear, [error])
        call(listener as () => void, [error])
      }
      capture(listener === null ? null : both)
    }
  }

  /**
   * Ends the process. Node waits for its threads, and one may hang for ever in a write to a socket that no process
   * reads. Then a signal ends the process: for exit code 0 it is TERM, which supervisors take for an orderly end.
   */
  async leave(code: number): Promise<void> {
    for (let tries = 0; tries < leaveTries; tries += 1) {
      if (!process.getActiveResourcesInfo().includes('FSReqCallback')) return this.exit(code)
      await sleep(leavePauseMs)
    }
    process.kill(process.pid, code === 0 ? 'SIGTERM' : 'SIGKILL')
  }

  /** Adds the listener again if user code has removed it. */
  keep(): void {
    // Unhandled rejections arrive here as well.
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

/** How many stray errors are remembered. */
const mostStrays = 20

/**
 * Stray errors of a server that runs. One that comes again while a reload is under way, from a timer of the old
 * configuration, must not fail that: the reload may be the cure.
 */
export class Strays {
  #stacks: readonly string[] = []

  add(error: unknown): void {
    if (!this.has(error)) this.#stacks = [userStackOf(error), ...this.#stacks].slice(0, mostStrays)
  }

  has(error: unknown): boolean {
    return this.#stacks.includes(userStackOf(error))
  }
}

/** The log line about a stray error; one of `files` may have thrown it. */
export function describeStray(error: unknown, files: readonly string[]): string {
  const { where, stack } = placeOf(error, files)
  return `Nothing handled an error${where}, and the server goes on: ${stack}`
}

/** A stray error that fails what is under way. */
export function strayError(error: unknown, files: readonly string[]): Error {
  const { where, stack } = placeOf(error, files)
  return new Error(`Nothing handled an error${where}: ${stack}`, { cause: error })
}

function placeOf(
  error: unknown,
  files: readonly string[],
): { readonly where: string; readonly stack: string } {
  const stack = userStackOf(error)
  const file = files.find(path => stack.includes(path))
  return { where: file === undefined ? '' : ` in ${file}`, stack }
}
