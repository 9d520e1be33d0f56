/** The token of the status page, in the file that `status_token_file` names. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'

/** Longer files hold no token, in bytes. */
const longestFile = 4_096

/**
 * Reads the token.
 *
 * @throws Error that says what the file has to be, or why it cannot be read
 */
export function readStatusToken(path: string): string {
  const { O_RDONLY, O_NONBLOCK, O_NOCTTY } = constants
  return tokenFrom(explained(() => openSync(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)))
}

/**
 * Reads the token from an open file, and closes it. A pipe could block the arbiter for ever, and a device or a log could
 * fill its memory.
 *
 * @throws Error as above
 */
export function tokenFrom(fd: number): string {
  const token = explained(() => textFrom(fd)).trim()
  if (/^[\x21-\x7e]{16,}$/.test(token)) return token
  throw new Error('has to hold a token of 16 visible ASCII characters or more: try openssl rand -hex 32')
}

function textFrom(fd: number): string {
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile()) throw new Error('it is no regular file')
    if (stat.size > longestFile) throw new Error(`it has more than ${longestFile} bytes`)
    const bytes = Buffer.alloc(longestFile)
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, longestFile, 0))
  } finally {
    closeSync(fd)
  }
}

function explained<Value>(read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    throw new Error(`cannot be read: ${(error as Error).message}`, { cause: error })
  }
}
