/** An error as Node makes it of one of the system; some of its functions write the number without the sign. */
export function systemError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: simulated`), { code, errno: code.length % 2 === 0 ? -5 : 5 })
}
