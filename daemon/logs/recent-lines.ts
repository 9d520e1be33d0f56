/** The latest lines of the error log, for those who ask for them later. */
import type { LogLevel } from '../../worker/protocol/messages.ts'

export interface RecentLine {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly level: LogLevel
  readonly pid: number
  readonly message: string
}

/** How many lines are kept, and how long each may be. */
const mostLines = 200
const longestLine = 2_048

export class RecentLines {
  readonly #lines: RecentLine[] = []
  readonly #followers = new Set<(line: RecentLine) => void>()

  /** A listener for `openErrorLog`. */
  readonly add = (level: LogLevel, message: string, pid: number): void => {
    const line = { at: Date.now(), level, pid, message: message.slice(0, longestLine) }
    this.#lines.push(line)
    if (this.#lines.length > mostLines) this.#lines.shift()
    for (const follower of this.#followers) follower(line)
  }

  get all(): readonly RecentLine[] {
    return this.#lines
  }

  /** Calls `follower`, which must not log, for each new line; returns a function that ends it. */
  follow(follower: (line: RecentLine) => void): () => void {
    this.#followers.add(follower)
    return () => void this.#followers.delete(follower)
  }
}
