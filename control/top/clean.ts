/** Makes text of a server safe for a terminal. */

/**
 * The same data, with texts that are one line and cannot command a terminal: control characters, and those that are
 * invisible or change the direction of writing, become question marks.
 */
export function clean<T>(data: T): T {
  return JSON.parse(JSON.stringify(data), (_, value: unknown) =>
    typeof value === 'string' ? value.replace(/\s+/g, ' ').replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?') : value,
  ) as T
}
