/** Calls the hooks of one process; `table.ts` says what happens when one fails. */
import type { HookLog, HookName, Hooks } from './table.ts'
import { userStackOf } from './thrown.ts'

/** A hook threw or rejected; the message contains the stack of the user's code. */
export class HookError extends Error {
  constructor(name: HookName, cause: unknown) {
    super(`The hook ${name} failed: ${userStackOf(cause)}`, { cause })
    this.name = 'HookError'
  }
}

type Arguments<Name extends HookName> = Parameters<NonNullable<Hooks[Name]>>

export interface HookCaller {
  has(name: HookName): boolean
  /** Calls the hook, if it is set, and waits for its result. Throws `HookError`. */
  call<Name extends HookName>(name: Name, ...args: Arguments<Name>): Promise<unknown>
  /** The same, but only logs the error. */
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
        // A synchronous error is logged before this returns: an exiting process has no further turn of its event loop.
        await run(name, args)
      } catch (error) {
        log.error(new HookError(name, error).message)
      }
    },
  }
}
