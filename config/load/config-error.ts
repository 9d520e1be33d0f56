/** Errors in the configuration, all reported at once. */

/** What is wrong, and where it was written. */
export interface Problem {
  /** A flag, a variable or a file; absent if something is missing altogether. */
  readonly origin?: string
  /** What is wrong, the value as given, and what to do. */
  readonly message: string
  /** The stack of the user's code, if that threw. */
  readonly stack?: string
}

/** All problems of a configuration at once; `message` has one line for each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly Problem[]
  /** 2 if the command line cannot be parsed, else 1. */
  readonly exitCode: 1 | 2

  constructor(problems: readonly Problem[], exitCode: 1 | 2 = 1) {
    super(problems.map(lineOf).join('\n'))
    this.problems = problems
    this.exitCode = exitCode
  }

  /** The message, with the stack of the user's code below each problem that has one. */
  get report(): string {
    return this.problems
      .map(problem => (problem.stack ? `${lineOf(problem)}\n${problem.stack}` : lineOf(problem)))
      .join('\n')
  }
}

function lineOf({ origin, message }: Problem): string {
  return origin === undefined ? message : `${origin}: ${message}`
}
