/** The headers of a Node request, as they came. */
import type { IncomingMessage } from 'node:http'

export function pairsOf({ rawHeaders }: IncomingMessage): [string, string][] {
  const pairs: [string, string][] = []
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!
    if (!name.startsWith(':')) pairs.push([name, rawHeaders[i + 1]!])
  }
  return pairs
}
