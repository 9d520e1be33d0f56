import type { Needs } from './exchange.ts'
import type { Entry } from './format.ts'

/** Somewhere that each request is told to when it is over. */
export interface AccessSink {
  readonly needs: Needs
  write(entry: Entry): void
  /** Hands on what waits, without waiting for anything: the process may be about to exit. */
  flush(): void
  reopen(): Promise<void>
  /** Waits for so many milliseconds at the most. */
  close(limit?: number): Promise<void>
}
