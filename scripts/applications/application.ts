/** An npm application, as its authors ship it, or as their documentation or generator makes it. */
export interface Application {
  readonly name: string
  /** Exact versions by package; the table names the first one. */
  readonly packages: Readonly<Record<string, string>>
  /** Versions of their dependencies, where the registry lacks those they name. */
  readonly overrides?: Readonly<Record<string, string>>
  /** The files that a user of it writes, by their paths in its folder. */
  readonly files?: Readonly<Record<string, string>>
  /** Its package consists of ECMAScript modules. */
  readonly module?: boolean
  /** The commands that generate and build it: of its packages, or files in its folder, run by Node. */
  readonly prepare?: readonly (readonly string[])[]
  /** Its packages need their install scripts. */
  readonly scripts?: boolean
  /** The app and its arguments. Here and in `env`, `{port}` stands for a free port. */
  readonly start: readonly [app: string, ...args: string[]]
  /** Arguments of tsicorn: an exported app is served only where they say. */
  readonly options?: readonly string[]
  /** The command to serve with Node alone what `start` only exports. */
  readonly yardstick?: readonly [app: string, ...args: string[]]
  readonly env?: Readonly<Record<string, string>>
  /** The path that is requested; `/` by default. */
  readonly path?: string
  /** What each answer contains. */
  readonly says: string
  /** Part of `--short`. */
  readonly short?: boolean
}

/** Fills in the free port. */
export function withPort<Text extends readonly string[]>(words: Text, port: number): Text {
  return words.map(word => word.replaceAll('{port}', `${port}`)) as readonly string[] as Text
}

/** The name and version of the main package. */
export function versionOf({ packages }: Application): string {
  const [[name, version] = ['', '']] = Object.entries(packages)
  return `${name} ${version}`
}

/** The command as a user types it. */
export function commandOf({ start: [app, ...args], options = [], env = {} }: Application): string {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const arguments_ = args.length > 0 ? ['--', ...args] : []
  // For a shell, parentheses have to be quoted.
  const named = app.includes('(') ? `'${app}'` : app
  return [...variables, 'tsicorn', ...options, named, ...arguments_].join(' ').replaceAll('{port}', '3000')
}
