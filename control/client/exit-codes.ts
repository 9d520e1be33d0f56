/** The exit codes of `tsicornc`. The reference is generated from this table. */
export const exitCodes = {
  ok: { code: 0, means: 'It was done' },
  failed: { code: 1, means: 'The server could not do it, or the reload or upgrade failed; it says why' },
  usage: { code: 2, means: 'The command line cannot be understood' },
  unknown: { code: 3, means: 'There is no such server' },
  ambiguous: { code: 4, means: 'There are several servers, and the command line names none of them' },
  unreachable: { code: 5, means: 'The socket cannot be used: no permission, or no tsicorn behind it' },
  lost: { code: 6, means: 'The connection ended before the answer; for `top`, the server is gone' },
  timeout: { code: 7, means: 'There was no outcome within `--timeout`' },
} as const

export type ExitName = keyof typeof exitCodes

/** Ends the command with one message for the user. */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly exit: ExitName

  constructor(exit: ExitName, message: string) {
    super(message)
    this.exit = exit
  }
}
