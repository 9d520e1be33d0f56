/** The kind of the access log format. */
import type { AccessLine } from '../../hooks/access-entry.ts'
import { asText, isString, type Kind } from './kinds.ts'

/** A format with atoms such as `%(h)s`, where a literal percent sign is doubled; or `json`; or a function. */
export const lineFormat: Kind<string | AccessLine, string | AccessLine> = {
  expects:
    'json, a function, or text in which each percent sign begins an atom, such as %(h)s, or is doubled',
  metavar: 'FORMAT',
  type: 'string | ((entry: AccessEntry) => string)',
  schema: { type: 'string', pattern: '^(?=.*\\S)([^%]|%%|%\\([^)]*\\)[sd])*$' },
  read: written => {
    if (typeof written === 'function') return written as AccessLine
    const format = isString(written) ? written.trim() : ''
    return /^([^%]|%%|%\([^)]*\)[sd])+$/.test(format) ? format : undefined
  },
  fromText: asText,
  show: value => (typeof value === 'function' ? '(function)' : JSON.stringify(value)),
}
