/** Calls the hooks of one process, and gives their errors the consequence that `table.ts` announces. */
import type { HookLog, HookName, Hooks } from './table.ts'

/** A hook threw or rejected; the message has the stack of the user's code. */
export class HookError extends Error {
  constructor(name: HookName, cause: unknown) {
    super(
      `The hook ${name} failed: ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}`,
      {
        cause,
      },
    )
    this.name = 'HookError'
  }
}

type Arguments<Name extends HookName> = Parameters<NonNullable<Hooks[Name]>>

export interface HookCaller {
  has(name: HookName): boolean
  /** Calls the hook, if it is set, and waits for it. Throws `HookError`. */
  call<Name extends HookName>(name: Name, ...args: Arguments<Name>): Promise<void>
  /** The same, with the error only logged. */
  tell<Name extends HookName>(name: Name, ...args: Arguments<Name>): Promise<void>
}

export function createHookCaller(hooks: Hooks, log: Pick<HookLog, 'error'>): HookCaller {
  const call: HookCaller['call'] = async (name, ...args) => {
    const hook = hooks[name] as ((...args: unknown[]) => unknown) | undefined
    if (hook === undefined) return
    try {
      await hook(...args)
    } catch (error) {
      throw new HookError(name, error)
    }
  }
  return {
    has: name => hooks[name] !== undefined,
    call,
    async tell(name, ...args) {
      await call(name, ...args).catch((error: HookError) => log.error(error.message))
    },
  }
}
