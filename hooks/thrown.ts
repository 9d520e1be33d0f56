/** Converts what user code throws to text: it may be anything, and even reading it may throw. */
import { isOwnFrame } from './own-files.ts'

/** The stack of an error, or the value as text. */
export function stackOf(thrown: unknown): string {
  return textIn(thrown, 'stack') ?? messageOf(thrown)
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
  return textIn(thrown, 'message') ?? toText(thrown)
}

/** Whether it is an error. */
export function isError(thrown: unknown): thrown is Error {
  try {
    return thrown instanceof Error
  } catch {
    // A proxy that throws.
    return false
  }
}

/** A property of an error, if it is a text: programs replace stacks by lists of frames. */
export function textIn(thrown: unknown, name: string): string | undefined {
  const value = isError(thrown) ? propertyOf(thrown, name) : undefined
  return typeof value === 'string' ? value : undefined
}

/** Undefined where reading it throws. */
export function propertyOf(thrown: object, name: string): unknown {
  try {
    return (thrown as Readonly<Record<string, unknown>>)[name]
  } catch {
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
