/**
 * The hooks of the arbiter, one after another in the order of what happened; the arbiter itself never waits for them.
 */
import { createHookCaller, type HookCaller } from '../hooks/run.ts'
import type { HookLog, HookName, Hooks } from '../hooks/table.ts'

export class HookQueue {
  readonly #log: Pick<HookLog, 'error'>
  #caller: HookCaller
  #tail: Promise<void> = Promise.resolve()

  constructor(hooks: Hooks, log: Pick<HookLog, 'error'>) {
    this.#log = log
    this.#caller = createHookCaller(hooks, log)
  }

  /** From now on these hooks are called; calls that wait already keep theirs. */
  use(hooks: Hooks): void {
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
    const called = this.#tail.then(async () => {
      await caller.call(name, ...args)
    })
    this.#tail = called.catch(() => undefined)
    return called
  }

  /** Calls a hook when its turn comes; an error is only logged. Costs nothing when the hook is not set. */
  tell<Name extends HookName>(name: Name, ...args: Parameters<NonNullable<Hooks[Name]>>): void {
    if (!this.has(name)) return
    const caller = this.#caller
    this.#tail = this.#tail.then(() => caller.tell(name, ...args))
  }

  /** Resolves when no call waits any more. */
  idle(): Promise<void> {
    return this.#tail
  }
}
