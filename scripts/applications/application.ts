/** An application of npm, as its authors ship it, or as their documentation or generator makes it. */
export interface Application {
  readonly name: string
  /** Exact versions by package; the first is the one that the table names. */
  readonly packages: Readonly<Record<string, string>>
  /** Versions of what these depend on, where the registry does not have what they name. */
  readonly overrides?: Readonly<Record<string, string>>
  /** What somebody who uses it writes, by the path in its folder. */
  readonly files?: Readonly<Record<string, string>>
  /** Its package is of ECMAScript modules. */
  readonly module?: boolean
  /** What generates and builds it: commands of its packages, or files in its folder, run by Node. */
  readonly prepare?: readonly (readonly string[])[]
  /** Its packages need their install scripts. */
  readonly scripts?: boolean
  /** The app and its arguments. Here and in `env`, `{port}` stands for a free port. */
  readonly start: readonly [app: string, ...args: string[]]
  /** Arguments of tsicorn: where the app is exported, nobody but these says where it is served. */
  readonly options?: readonly string[]
  /** How Node alone serves what `start` only exports. */
  readonly yardstick?: readonly [app: string, ...args: string[]]
  readonly env?: Readonly<Record<string, string>>
  /** The path that is asked for; `/` by default. */
  readonly path?: string
  /** What each answer contains. */
  readonly says: string
  /** Part of `--short`. */
  readonly short?: boolean
}

/** For the port that is free at that moment. */
export function withPort<Text extends readonly string[]>(words: Text, port: number): Text {
  return words.map(word => word.replaceAll('{port}', `${port}`)) as readonly string[] as Text
}

/** Its name and number, of the package that matters. */
export function versionOf({ packages }: Application): string {
  const [[name, version] = ['', '']] = Object.entries(packages)
  return `${name} ${version}`
}

/** The command, as somebody types it. */
export function commandOf({ start: [app, ...args], options = [], env = {} }: Application): string {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const arguments_ = args.length > 0 ? ['--', ...args] : []
  return [...variables, 'tsicorn', ...options, app, ...arguments_].join(' ').replaceAll('{port}', '3000')
}
