/** Resolves settings from a command line, an environment and files that a test makes up. */
import { ConfigError } from '../../../config/load/config-error.ts'
import { defaultOf } from '../../../config/resolve/layers.ts'
import { type Resolved, resolve } from '../../../config/resolve/resolve.ts'
import { declarations, type SettingName } from '../../../config/table.ts'
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

/** Values of which at least one is allowed for each setting and is not its default. */
const candidates = [
  true,
  false,
  1,
  2,
  3,
  20000,
  'x',
  ['x=1'],
  ['10.0.0.0/8'],
  { A: 'b' },
  'v1',
  'requests',
  'on',
  'h2',
  ['h2'],
  'refuse',
  'user',
  'local0',
  'TLSv1.3',
  'prior-knowledge',
  'sync',
]

/** A value that is allowed for this setting, and is not its default. */
export function unusual(name: SettingName): unknown {
  const { kind } = declarations[name]
  const usual = defaultOf(name, { cwd: '/', app: '', platform: process.platform })
  const same = (value: unknown) => JSON.stringify(value) === JSON.stringify(usual)
  return candidates.find(value => kind.read(value) !== undefined && !same(kind.read(value)))
}
