/**
 * Runs the hooks of the arbiter one after another, in the order of events. The arbiter never waits for them, and each
 * delays the others by at most `hook_timeout`.
 */
import { createHookCaller, type HookCaller, HookError } from './run.ts'
import type { HookLog, HookName, Hooks } from './table.ts'
import { within } from './time-limit.ts'

export class HookQueue {
  readonly #log: Pick<HookLog, 'error'>
  readonly #onEnded: () => void
  #caller: HookCaller
  #seconds: number
  #tail: Promise<void> = Promise.resolve()
  #running: HookName | undefined

  /** A hook fails when it takes longer than `seconds`; 0 is no limit. `onEnded` is called after each hook. */
  constructor(hooks: Hooks, seconds: number, log: Pick<HookLog, 'error'>, onEnded: () => void) {
    this.#log = log
    this.#onEnded = onEnded
    this.#seconds = seconds
    this.#caller = createHookCaller(hooks, log)
  }

  /** Uses these hooks from now on; calls that are already queued keep theirs. */
  use(hooks: Hooks, seconds: number): void {
    this.#seconds = seconds
    this.#caller = createHookCaller(hooks, this.#log)
  }

  has(name: HookName): boolean {
    return this.#caller.has(name)
  }

  /** Queues the call of a hook; rejects with `HookError`. */
  call<Name extends HookName>(name: Name, ...args: Parameters<NonNullable<Hooks[Name]>>): Promise<void> {
    return this.#enqueue(this.#caller, name, args)
  }

  /** The same for a hook of another configuration, which is not active yet. */
  callOf<Name extends HookName>(
    hooks: Hooks,
    name: Name,
    ...args: Parameters<NonNullable<Hooks[Name]>>
  ): Promise<void> {
    return this.#enqueue(createHookCaller(hooks, this.#log), name, args)
  }

  #enqueue<Name extends HookName>(
    caller: HookCaller,
    name: Name,
    args: Parameters<NonNullable<Hooks[Name]>>,
  ): Promise<void> {
    const called = this.#tail.then(() => {
      this.#running = name
      return this.#withTimeLimit(name, caller.call(name, ...args))
    })
    this.#tail = called.catch(() => undefined)
    return called
  }

  /** Queues the call of a hook, and only logs its error. Does nothing when the hook is not set. */
  tell<Name extends HookName>(name: Name, ...args: Parameters<NonNullable<Hooks[Name]>>): void {
    if (!this.has(name)) return
    this.call(name, ...args).catch((error: Error) => this.#log.error(error.message))
  }

  async #withTimeLimit(name: HookName, called: Promise<unknown>): Promise<void> {
    const seconds = this.#seconds
    const why = `it took longer than hook_timeout (${seconds} s): let it end sooner, or raise hook_timeout`
    await within(seconds * 1_000, called, () => new HookError(name, why)).finally(() => {
      this.#running = undefined
      this.#onEnded()
    })
  }

  /** The hook that the others wait for. */
  get running(): HookName | undefined {
    return this.#running
  }

  /** Resolves when the queue is empty. */
  idle(): Promise<void> {
    return this.#tail
  }
}
