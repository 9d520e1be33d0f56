/** Converts what user code throws to text: it may be anything, and even reading it may throw. */
import { isOwnFrame } from './own-files.ts'

/** The stack of an error, or the value as text. */
export function stackOf(thrown: unknown): string {
  return readProperty(thrown, 'stack') ?? messageOf(thrown)
}

/** Frames of Node and of this package, which tell the author of a hook nothing. */
const isForeignFrame = (line: string) => isOwnFrame(line) || /^ +at .*node:internal/.test(line)

/** The stack without the frames of the callers of the user's code. */
export function userStackOf(thrown: unknown): string {
  const lines = stackOf(thrown).split('\n')
  return lines.filter(line => !isForeignFrame(line)).join('\n')
}

/** The message of an error, or the value as text. */
export function messageOf(thrown: unknown): string {
  return readProperty(thrown, 'message') ?? toText(thrown)
}

function readProperty(thrown: unknown, name: 'stack' | 'message'): string | undefined {
  try {
    const value = thrown instanceof Error ? thrown[name] : undefined
    return typeof value === 'string' ? value : undefined
  } catch {
    // A getter that throws.
    return undefined
  }
}

function toText(thrown: unknown): string {
  try {
    return String(thrown)
  } catch {
    return `a value that has no text (${typeof thrown})`
  }
}
