/** The type of a setting's declaration. */
import type { Kind } from './kinds.ts'

/** One setting, declared once: flags, types, checks, help, reference and schema are derived from it. */
export interface Declaration {
  // biome-ignore lint/suspicious/noExplicitAny: a table of kinds of different types
  readonly kind: Kind<any, any>
  /** The default value; a function where it depends on where tsicorn was started. */
  readonly default: unknown
  /** The default in words, for the reference, where `default` is a function. */
  readonly default_words?: string
  /** The long flag, with its dashes; absent for kinds that can only be written in a file. */
  readonly flag?: `--${string}`
  readonly short?: `-${string}`
  /** Other spellings of the flag. */
  readonly also?: readonly `--${string}`[]
  /** Other spellings of the name. */
  readonly alias?: string
  /** The environment variable for the default, and a conversion of its value; an empty variable counts as unset. */
  readonly env?: { readonly name: string; readonly text?: (value: string) => string }
  /** What it does, units, source; Markdown. */
  readonly doc: string
  /** When a new value takes effect: on HUP, or only when tsicorn is restarted. */
  readonly effect: 'on reload' | 'on restart'
  /** Workers get the value as it is; the others concern the arbiter alone, or are sent in another form. */
  readonly sent?: true
  /** The only values of `worker_class` that it is for. */
  readonly kinds?: readonly string[]
  /** Not implemented yet: `false`, or the only values that are. */
  readonly available?: false | readonly unknown[]
}

/** What a default may depend on, apart from its variable. */
export interface DefaultContext {
  /** The folder that tsicorn was started in. */
  readonly cwd: string
  readonly platform: NodeJS.Platform
  /** The application as given, the name of the program that is one, or `tsicorn`. */
  readonly app: string
}

/** A group of settings, as in Gunicorn's reference. */
export type Group = Readonly<Record<string, Declaration>>
