import { isText, itself, type Kind } from './kinds.ts'

/** They frame messages, or are about the connection. */
const taken = new Set([
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

/** The name of a header (a token of RFC 9110 section 5.6.2), or null; empty text is null too. */
export const headerName: Kind<string | null, string | null> = {
  expects: 'the name of a header, such as X-Request-Id and none that HTTP itself uses, or null',
  metavar: 'NAME',
  type: 'string | null',
  schema: { type: ['string', 'null'], pattern: "^\\s*[!#$%&'*+.^_`|~\\w-]*\\s*$" },
  read: written => {
    if (!isText(written)) return written === null ? null : undefined
    const name = written.trim()
    if (name === '') return null
    return /^[!#$%&'*+.^_`|~\w-]+$/.test(name) && !taken.has(name.toLowerCase()) ? name : undefined
  },
  fromText: itself,
}
