/** What is wrong with a configuration, and where that was written. */
export interface Problem {
  /** A flag, a variable, a file; absent where something is missing altogether. */
  readonly origin?: string
  /** What is wrong, the value as given, and the cure. */
  readonly message: string
  /** The stack of the user's own code, where that threw. */
  readonly stack?: string
}

/** All problems of a configuration at once; `message` has one line for each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly Problem[]
  /** 2 where the command line cannot be understood, else 1. */
  readonly exitCode: 1 | 2

  constructor(problems: readonly Problem[], exitCode: 1 | 2 = 1) {
    super(problems.map(lineOf).join('\n'))
    this.problems = problems
    this.exitCode = exitCode
  }

  /** The message, and below each problem the stack of the user's code that threw. */
  get report(): string {
    return this.problems
      .map(problem => (problem.stack ? `${lineOf(problem)}\n${problem.stack}` : lineOf(problem)))
      .join('\n')
  }
}

function lineOf({ origin, message }: Problem): string {
  return origin === undefined ? message : `${origin}: ${message}`
}
