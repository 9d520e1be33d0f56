/** A second TERM, for tests. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Tsicorn } from './tsicorn.ts'

/** Sends TERM until one is no longer taken for the first one. */
export async function insist(server: Tsicorn): Promise<void> {
  for (;;) {
    server.signal('SIGTERM')
    const [, answer] = await server.says(/(the same stop|Handling signal: term|Leaving before)/)
    if (answer !== 'the same stop') return
    await sleep(50)
  }
}
