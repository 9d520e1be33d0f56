/** The interface of everything that receives log entries. */
import type { Needs } from './exchange.ts'
import type { Entry } from './format.ts'

/** Receives an entry for each request, when it is over. */
export interface AccessSink {
  readonly needs: Needs
  write(entry: Entry): void
  /** Passes on what is buffered, synchronously: the process may be about to exit. */
  flush(): void
  reopen(): Promise<void>
  /** Resolves after `limit` milliseconds at the latest. */
  close(limit?: number): Promise<void>
}
