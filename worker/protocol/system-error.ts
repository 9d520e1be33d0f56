/** The one way from an error of the system to text. */
import { getSystemErrorMessage } from 'node:util'

/** `permission denied`; the error's own message if it is none of the system's. Node writes `errno` with either sign. */
export function systemMessage({ errno, message }: NodeJS.ErrnoException): string {
  if (errno === undefined || !Number.isInteger(errno) || errno === 0) return message
  return getSystemErrorMessage(-Math.abs(errno))
}
