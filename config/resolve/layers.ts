/** Merges the layers of settings: defaults, file, environment, command line. */
import { basename, resolve } from 'node:path'
import { inspect } from 'node:util'
import type { DefaultContext } from '../kinds/declaration.ts'
import type { Problem } from '../load/config-error.ts'
import type { ConfigContext } from '../load/file.ts'
import { declarations, type SettingName, type Settings, settingNames } from '../table.ts'
import { settleWorkerClass } from '../worker-class.ts'

/** The sources of a configuration. */
export interface Sources {
  /** The arguments, without the program. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** The folder that tsicorn was started in. */
  readonly cwd: string
  /** Called before the code of the configuration file runs; rejects to prevent that. */
  readonly tryConfig?: (trial: ConfigTrial) => Promise<void>
}

/** A configuration file that is about to be loaded. */
export interface ConfigTrial {
  /** Absolute. */
  readonly path: string
  /** The name of the file in messages. */
  readonly origin: string
  readonly context: ConfigContext
  /** The folder that tsicorn was started in, as a path that may lead elsewhere by now. */
  readonly cwd: string
  /** How long loading may take, in seconds; 0 is no limit. */
  readonly seconds: number
}

/** The value of a setting in a layer. */
export interface Given {
  readonly value: unknown
  readonly origin: string
}

export type Layer = ReadonlyMap<SettingName, Given>

export interface Merged {
  readonly settings: Settings
  readonly origins: Readonly<Record<SettingName, string>>
  readonly problems: readonly Problem[]
}

/**
 * Merges the layers on top of the defaults, the lowest first; an invalid value is a problem even if another one wins.
 */
export function mergeLayers(layers: readonly Layer[], { env, cwd }: Pick<Sources, 'env' | 'cwd'>): Merged {
  const values: Record<string, unknown> = {}
  const origins: Record<string, string> = {}
  const problems: Problem[] = []
  const surroundings = { cwd, platform: process.platform }

  // `app` and its arguments come early in the table: later defaults depend on them.
  for (const name of settingNames) {
    const app = nameOf(values)
    take(name, { value: defaultOf(name, { ...surroundings, app }), origin: 'default' })
    const given = layers.map(layer => layer.get(name)).filter(entry => entry !== undefined)
    const variable = fromVariable(name, env)
    for (const entry of given.length === 0 && variable ? [variable] : given) take(name, entry)
  }
  values.chdir = resolve(cwd, String(values.chdir))
  settleWorkerClass(values, origins)
  return {
    settings: Object.freeze(values) as unknown as Settings,
    origins: Object.freeze(origins) as Merged['origins'],
    problems,
  }

  function take(name: SettingName, { value, origin }: Given): void {
    const { kind } = declarations[name]
    const read: unknown = kind.read(value)
    if (read === undefined) {
      problems.push({ origin, message: `${name} must be ${kind.expects}, not ${show(value)}` })
      return
    }
    values[name] = read
    origins[name] = origin
  }
}

/** The application as given, or the name of the program that is one. */
function nameOf({ app, app_args: args }: Readonly<Record<string, unknown>>): string {
  if (typeof app === 'string') return app
  const [program] = Array.isArray(args) ? args : []
  return typeof program === 'string' ? basename(program) : 'tsicorn'
}

/** The default of a setting, without the environment. */
export function defaultOf(name: SettingName, surroundings: DefaultContext): unknown {
  const value: unknown = declarations[name].default
  return typeof value === 'function' ? value(surroundings) : value
}

/** The default from an environment variable; an empty one counts as unset. */
function fromVariable(name: SettingName, env: Sources['env']): Given | undefined {
  const { kind, env: variable } = declarations[name]
  const text = variable && env[variable.name]
  if (!variable || !text) return undefined
  return { value: kind.fromText(variable.text?.(text) ?? text), origin: variable.name }
}

/** A value as a user would write it, shortened. */
export function show(value: unknown): string {
  const text = typeof value === 'function' ? 'a function' : (toJson(value) ?? inspect(value, shallow))
  return text.length > 80 ? `${text.slice(0, 79)}…` : text
}

const shallow = { depth: 0, breakLength: Infinity }

/** Undefined for what has no JSON, because it contains itself for instance. */
function toJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value, (_, part: unknown) => (hasNoJson(part) ? String(part) : part))
  } catch {
    return undefined
  }
}

/** Values that JSON turns into null, or throws for. */
function hasNoJson(value: unknown): boolean {
  return (
    typeof value === 'bigint' ||
    typeof value === 'symbol' ||
    (typeof value === 'number' && !Number.isFinite(value))
  )
}
