/**
 * The hooks of the arbiter, one after another in the order of what happened; the arbiter itself never waits for them, and
 * none of them holds up the others for longer than `hook_timeout`.
 */
import { createHookCaller, type HookCaller, HookError } from './run.ts'
import type { HookLog, HookName, Hooks } from './table.ts'
import { within } from './time-limit.ts'

export class HookQueue {
  readonly #log: Pick<HookLog, 'error'>
  readonly #ended: () => void
  #caller: HookCaller
  #seconds: number
  #tail: Promise<void> = Promise.resolve()

  /** A hook that takes longer than so many seconds has failed; 0 is no limit. `ended` hears of the end of each. */
  constructor(hooks: Hooks, seconds: number, log: Pick<HookLog, 'error'>, ended: () => void) {
    this.#log = log
    this.#ended = ended
    this.#seconds = seconds
    this.#caller = createHookCaller(hooks, log)
  }

  /** From now on these hooks are called; calls that wait already keep theirs. */
  use(hooks: Hooks, seconds: number): void {
    this.#seconds = seconds
    this.#caller = createHookCaller(hooks, this.#log)
  }

  has(name: HookName): boolean {
    return this.#caller.has(name)
  }

  /** Calls a hook when its turn comes; rejects with `HookError`. */
  call<Name extends HookName>(name: Name, ...args: Parameters<NonNullable<Hooks[Name]>>): Promise<void> {
    return this.#enqueue(this.#caller, name, args)
  }

  /** The same for a hook of a configuration that is not in force yet. */
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
    const called = this.#tail.then(() => this.#limited(name, caller.call(name, ...args)))
    this.#tail = called.catch(() => undefined)
    return called
  }

  /** Calls a hook when its turn comes; an error is only logged. Costs nothing when the hook is not set. */
  tell<Name extends HookName>(name: Name, ...args: Parameters<NonNullable<Hooks[Name]>>): void {
    if (!this.has(name)) return
    this.call(name, ...args).catch((error: Error) => this.#log.error(error.message))
  }

  async #limited(name: HookName, called: Promise<unknown>): Promise<void> {
    const seconds = this.#seconds
    const why = `it took longer than hook_timeout (${seconds} s): let it end sooner, or raise hook_timeout`
    await within(seconds * 1_000, called, () => new HookError(name, why)).finally(this.#ended)
  }

  /** Resolves when no call waits any more. */
  idle(): Promise<void> {
    return this.#tail
  }
}
