/** Makes text of a server safe for a terminal. */

/**
 * The same data, with texts that are one line and cannot command a terminal: control characters, and those that are
 * invisible or change the direction of writing, become question marks.
 */
export function clean<T>(data: T): T {
  return withTexts(data, text => text.replace(/\s+/g, ' ').replace(invisible, '?'))
}

/** The same, with lines and tabs as they are. */
export function cleanLines<T>(data: T): T {
  return withTexts(data, text => text.replace(invisible, '?'))
}

const invisible = /[^\P{C}\n\t]|[\p{Zl}\p{Zp}]/gu

function withTexts<T>(data: T, change: (text: string) => string): T {
  return JSON.parse(JSON.stringify(data), (_, value: unknown) =>
    typeof value === 'string' ? change(value) : value,
  ) as T
}
