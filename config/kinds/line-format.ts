import type { AccessLine } from '../../hooks/access-entry.ts'
import { isText, itself, type Kind } from './kinds.ts'

/** The form of a log's lines: text in which a percent sign begins an atom, `%(h)s`, or is doubled; `json`; a function. */
export const lineFormat: Kind<string | AccessLine, string | AccessLine> = {
  expects:
    'json, a function, or text in which each percent sign begins an atom, such as %(h)s, or is doubled',
  metavar: 'FORMAT',
  type: 'string | ((entry: AccessEntry) => string)',
  schema: { type: 'string', pattern: '^(?=.*\\S)([^%]|%%|%\\([^)]*\\)[sd])*$' },
  read: written => {
    if (typeof written === 'function') return written as AccessLine
    const format = isText(written) ? written.trim() : ''
    return /^([^%]|%%|%\([^)]*\)[sd])+$/.test(format) ? format : undefined
  },
  fromText: itself,
  show: value => (typeof value === 'function' ? '(function)' : JSON.stringify(value)),
}
