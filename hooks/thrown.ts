/** Text for whatever user code throws: it may be anything, and even reading it may throw. */

/** The stack of an error, or the value as text. */
export function stackOf(thrown: unknown): string {
  return read(thrown, 'stack') ?? messageOf(thrown)
}

/** Frames of Node, and of this package: they tell the author of a hook nothing. */
const root = new URL('..', import.meta.url).href
const foreignFrame = (line: string) =>
  /^ +at /.test(line) &&
  (line.includes('node:internal') ||
    ['config', 'daemon', 'hooks', 'worker'].some(room => line.includes(`${root}${room}/`)))

/** The stack without the frames of those who called the user's code. */
export function userStackOf(thrown: unknown): string {
  const lines = stackOf(thrown).split('\n')
  return lines.filter(line => !foreignFrame(line)).join('\n')
}

/** The message of an error, or the value as text. */
export function messageOf(thrown: unknown): string {
  return read(thrown, 'message') ?? asText(thrown)
}

function read(thrown: unknown, name: 'stack' | 'message'): string | undefined {
  try {
    const value = thrown instanceof Error ? thrown[name] : undefined
    return typeof value === 'string' ? value : undefined
  } catch {
    // A getter of the user's that throws.
    return undefined
  }
}

function asText(thrown: unknown): string {
  try {
    return String(thrown)
  } catch {
    return `a value that has no text (${typeof thrown})`
  }
}
