/** The kinds of settings with several values. */
import { asText, isString, type Kind, type Schema } from './kinds.ts'
import { isNetwork } from './network.ts'

const textOrList: Schema = {
  anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }],
}

/** A list of texts; a single text is a list of one, and is not split at commas. */
export function list(metavar: string): Kind<string | readonly string[], readonly string[]> {
  return {
    expects: `a list of texts (${metavar})`,
    metavar,
    type: 'string | readonly string[]',
    schema: textOrList,
    read: written => {
      const texts = isString(written) ? [written] : written
      return Array.isArray(texts) && texts.every(isString) ? texts : undefined
    },
    fromText: asText,
    repeats: true,
  }
}

/** `NAME=VALUE` texts; an object of names and values is read as such. */
export const assignments: Kind<
  string | readonly string[] | Readonly<Record<string, string>>,
  readonly string[]
> = {
  expects: 'a list of NAME=VALUE texts',
  metavar: 'NAME=VALUE',
  type: 'string | readonly string[] | Readonly<Record<string, string>>',
  schema: {
    anyOf: [
      { type: 'string', pattern: '^[^=]+=' },
      { type: 'array', items: { type: 'string', pattern: '^[^=]+=' } },
      { type: 'object', additionalProperties: { type: 'string' } },
    ],
  },
  read: written => {
    const entries = table.read(written)
    const texts = entries
      ? Object.entries(entries).map(entry => entry.join('='))
      : isString(written)
        ? [written]
        : written
    const isAssignment = (entry: unknown) => isString(entry) && /^[^=\0]+=[^\0]*$/.test(entry)
    return Array.isArray(texts) && texts.every(isAssignment) ? texts : undefined
  },
  fromText: asText,
  repeats: true,
}

/** The parts of a comma-separated list, trimmed; a list of texts stays as it is. */
function split(written: unknown): readonly string[] | undefined {
  const parts = isString(written) ? written.split(',').map(part => part.trim()) : written
  return Array.isArray(parts) && parts.every(isString) ? parts.filter(part => part !== '') : undefined
}

/** Words, of a fixed set or any, separated by commas. */
export function csv(words?: readonly string[]): Kind<string | readonly string[], readonly string[]> {
  return {
    expects: words ? `a list of ${words.join(', ')}, separated by commas` : 'a list, separated by commas',
    metavar: words?.join(',') ?? 'NAME,...',
    type: 'string | readonly string[]',
    schema: textOrList,
    read: written => {
      const parts = split(written)
      return parts?.every(part => words?.includes(part) ?? true) ? parts : undefined
    },
    fromText: asText,
  }
}

/** IP addresses and networks, separated by commas; `*` stands for all. Bits after the prefix must be zero. */
export const networks: Kind<string | readonly string[], readonly string[]> = {
  expects:
    'IP addresses, networks (with no bits set behind the prefix, such as 10.0.0.0/8) or *, separated by commas',
  metavar: 'IP,...',
  type: 'string | readonly string[]',
  schema: textOrList,
  read: written => {
    const parts = split(written)
    return parts?.every(part => part === '*' || isNetwork(part)) ? parts : undefined
  },
  fromText: asText,
}

/** An object whose values are texts. */
export const table: Kind<Readonly<Record<string, string>>, Readonly<Record<string, string>>> = {
  expects: 'an object whose values are texts',
  metavar: '',
  type: 'Readonly<Record<string, string>>',
  schema: { type: 'object', additionalProperties: { type: 'string' } },
  read: written => {
    if (typeof written !== 'object' || written === null || Array.isArray(written)) return undefined
    return Object.values(written).every(isString) ? (written as Record<string, string>) : undefined
  },
  fromText: asText,
  fileOnly: true,
}
