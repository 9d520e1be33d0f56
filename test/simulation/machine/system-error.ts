/** An error as Node makes it of one of the system; some of its functions write the number without the sign. */
export function systemError(code: string): NodeJS.ErrnoException {
  const { stackTraceLimit } = Error
  // Nobody reads where it comes from, and a life has thousands of them.
  Error.stackTraceLimit = 0
  const error = new Error(`${code}: simulated`)
  Error.stackTraceLimit = stackTraceLimit
  return Object.assign(error, { code, errno: code.length % 2 === 0 ? -5 : 5 })
}
