/** Follows the feed of the server, and comes again when it is gone. */

import { clean } from '../control/print/clean.ts'
import type { FeedMessage } from '../control/protocol/messages.ts'

export interface Listener {
  readonly onMessage: (message: FeedMessage) => void
  /** Why nothing comes, and since when, in milliseconds since 1970; undefined when something comes again. */
  readonly onAway: (why: string | undefined, since: number) => void
}

/** After how long a silence the page says so, and how soon a refused one comes again, in milliseconds. */
const silenceMs = 7_000
const againMs = 2_000

export function follow({ onMessage, onAway }: Listener): void {
  let last = Date.now()
  let isAway = false

  const away = (why: string) => {
    isAway = true
    onAway(why, last)
  }

  const connect = () => {
    const source = new EventSource('/-/feed')
    source.addEventListener('message', ({ data }) => {
      last = Date.now()
      if (isAway) onAway(undefined, last)
      isAway = false
      onMessage(clean(JSON.parse(data as string) as FeedMessage))
    })
    source.addEventListener('error', () => {
      // It tries again by itself where the connection was lost, but not where it was refused.
      if (source.readyState !== EventSource.CLOSED) return away('The server is away')
      source.close()
      void refusal().then(away)
      setTimeout(connect, againMs)
    })
  }

  connect()
  setInterval(() => {
    if (Date.now() - last > silenceMs) away('The server does not answer')
  }, 1_000)
}

/** Why the server does not let this page watch. */
async function refusal(): Promise<string> {
  try {
    const answer = await fetch('/-/feed', { method: 'HEAD' })
    if (answer.status === 503) return 'Too many pages watch this server, or it is being started'
    return `The server answers ${answer.status}`
  } catch {
    // It cannot be reached.
    return 'The server is away'
  }
}
