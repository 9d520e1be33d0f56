/** Calls the hooks of one process, and gives their errors the consequence that `table.ts` announces. */
import type { HookLog, HookName, Hooks } from './table.ts'
import { userStackOf } from './thrown.ts'

/** A hook threw or rejected; the message has the stack of the user's code. */
export class HookError extends Error {
  constructor(name: HookName, cause: unknown) {
    super(`The hook ${name} failed: ${userStackOf(cause)}`, { cause })
    this.name = 'HookError'
  }
}

type Arguments<Name extends HookName> = Parameters<NonNullable<Hooks[Name]>>

export interface HookCaller {
  has(name: HookName): boolean
  /** Calls the hook, if it is set, and waits for what it returns. Throws `HookError`. */
  call<Name extends HookName>(name: Name, ...args: Arguments<Name>): Promise<unknown>
  /** The same, with the error only logged. */
  tell<Name extends HookName>(name: Name, ...args: Arguments<Name>): Promise<void>
}

export function createHookCaller(hooks: Hooks, log: Pick<HookLog, 'error'>): HookCaller {
  const run = (name: HookName, args: readonly unknown[]): unknown => {
    const hook = hooks[name] as ((...args: readonly unknown[]) => unknown) | undefined
    return hook?.(...args)
  }
  return {
    has: name => hooks[name] !== undefined,
    async call(name, ...args) {
      try {
        return await run(name, args)
      } catch (error) {
        throw new HookError(name, error)
      }
    },
    async tell(name, ...args) {
      try {
        // What throws before it awaits is logged before this returns: a process that exits turns its loop no more.
        await run(name, args)
      } catch (error) {
        log.error(new HookError(name, error).message)
      }
    },
  }
}
