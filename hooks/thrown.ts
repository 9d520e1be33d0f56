/** Text for whatever user code throws: it may be anything, and even reading it may throw. */

/** The stack of an error, or the value as text. */
export function stackOf(thrown: unknown): string {
  return read(thrown, 'stack') ?? messageOf(thrown)
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
