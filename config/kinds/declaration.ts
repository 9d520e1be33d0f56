import type { Kind } from './kinds.ts'

/** One setting, declared once: flags, types, checks, help, reference and schema are made from it. */
export interface Declaration {
  // biome-ignore lint/suspicious/noExplicitAny: a table of kinds of different types
  readonly kind: Kind<any, any>
  /** What holds when nobody says anything; a function where that depends on where tsicorn was started. */
  readonly default: unknown
  /** The default in words, for the reference, where `default` is a function. */
  readonly default_words?: string
  /** The long flag, with its dashes; absent where the kind can only be written in a file. */
  readonly flag?: `--${string}`
  readonly short?: `-${string}`
  /** Other spellings of the flag. */
  readonly also?: readonly `--${string}`[]
  /** Other spellings of the name. */
  readonly alias?: string
  /** The variable that feeds the default, and the text that its value makes; an empty variable is unset. */
  readonly env?: { readonly name: string; readonly text?: (value: string) => string }
  /** What it does, units, source; Markdown. */
  readonly doc: string
  /** When a new value takes effect: on HUP, or only when tsicorn is started anew. */
  readonly effect: 'on reload' | 'on restart'
  /** Declared, but not built yet: `false`, or the only values that are built. */
  readonly available?: false | readonly unknown[]
}

/** What a default may depend on, besides its variable. */
export interface Surroundings {
  /** The folder that tsicorn was started in. */
  readonly cwd: string
  readonly platform: NodeJS.Platform
  /** The application as given, or the name of the program where there is none. */
  readonly app: string
}

/** A group of settings, under the heading that Gunicorn gives it. */
export type Group = Readonly<Record<string, Declaration>>
