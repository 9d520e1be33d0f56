/** Resolves settings from a command line, an environment and files that a test makes up. */
import { ConfigError } from '../../../config/load/config-error.ts'
import { type Resolved, resolve } from '../../../config/resolve/resolve.ts'
import { folderWith } from '../load/folder.ts'

export interface Given {
  readonly argv?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** The files of a new folder to start in. */
  readonly files?: Readonly<Record<string, string>>
}

/** Resolves with nothing from the environment of the test itself. */
export async function resolved({
  argv = [],
  env = {},
  files = {},
  cwd = folderWith(files),
}: Given): Promise<Resolved> {
  return await resolve({ argv, env, cwd })
}

/** The error that resolving must end with. */
export async function refused(given: Given): Promise<ConfigError> {
  const outcome: unknown = await resolved(given).catch((error: unknown) => error)
  if (outcome instanceof ConfigError) return outcome
  throw outcome instanceof Error ? outcome : new Error('Resolved what should be refused')
}
