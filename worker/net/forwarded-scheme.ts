/** Reads the scheme of the client from the headers of proxies, such as `X-Forwarded-Proto: https`. */
import type { IncomingMessage } from 'node:http'

export interface SchemeHeader {
  /** In small letters. */
  readonly name: string
  /** The value that stands for https. */
  readonly secureValue: string
}

type Headers = Pick<IncomingMessage, 'headers' | 'rawHeaders'>

/** Whether the headers say https; undefined where they say nothing, and a word where they disagree. */
export function readScheme(
  req: Headers,
  schemeHeaders: readonly SchemeHeader[],
): boolean | 'contradictory' | undefined {
  let isSecure: boolean | undefined
  for (const { name, secureValue } of schemeHeaders) {
    const value = req.headers[name]
    if (value === undefined) continue
    // Node joins the values of some repeated headers, and drops those of others.
    const values = typeof value === 'string' && !value.includes(',') ? [value] : allValues(req, name)
    for (const one of values) {
      if (isSecure !== undefined && isSecure !== (one === secureValue)) return 'contradictory'
      isSecure = one === secureValue
    }
  }
  return isSecure
}

function allValues({ rawHeaders }: Headers, name: string): readonly string[] {
  return rawHeaders.filter((_, n) => n % 2 === 1 && rawHeaders[n - 1]?.toLowerCase() === name)
}
