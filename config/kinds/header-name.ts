/** The kind of settings that name a header. */
import { asText, isString, type Kind } from './kinds.ts'

/** Headers that frame messages or concern the connection. */
const reserved = new Set([
  'connection',
  'content-length',
  'content-type',
  'expect',
  'host',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** A header name (a token, RFC 9110, section 5.6.2) or null; empty text means null. */
export const headerName: Kind<string | null, string | null> = {
  expects: 'the name of a header, such as X-Request-Id and none that HTTP itself uses, or null',
  metavar: 'NAME',
  type: 'string | null',
  schema: { type: ['string', 'null'], pattern: "^\\s*[!#$%&'*+.^_`|~\\w-]*\\s*$" },
  read: written => {
    if (!isString(written)) return written === null ? null : undefined
    const name = written.trim()
    if (name === '') return null
    return /^[!#$%&'*+.^_`|~\w-]+$/.test(name) && !reserved.has(name.toLowerCase()) ? name : undefined
  },
  fromText: asText,
}
