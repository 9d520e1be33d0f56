/**
 * The kinds of settings: how text and values are converted to typed values, and what the error says when they cannot
 * be.
 *
 * A kind's `expects` completes an error message: `timeout must be a number of seconds, 0 or more`.
 */

/** A fragment of JSON Schema. */
export type Schema = Readonly<Record<string, unknown>>

/** How values of one kind are written and read; `Written` is the type in configuration files. */
export interface Kind<Written = unknown, Value = unknown> {
  readonly expects: string
  /** The placeholder for the value in `--help`. */
  readonly metavar: string
  readonly schema: Schema
  /** The type in configuration files, as printed in the reference. */
  readonly type: string
  /** The value, or undefined for an invalid one; reading a value again returns it unchanged. */
  read(written: unknown): Value | undefined
  /** Converts text from a flag or a variable, before `read` checks it. */
  fromText(text: string): unknown
  /** The flag may be given several times, and each adds one entry. */
  readonly repeats?: true
  /** The flag takes no value, and has a `--no-` form. */
  readonly switch?: true
  /** The value of a flag without one. */
  readonly bare?: string
  /** Cannot be written on a command line. */
  readonly fileOnly?: true
  /** A value as users write it, if not as JSON. */
  show?(value: Value): string
  /** Only for type inference. */
  readonly written?: Written
}

export const asText = (text: string): unknown => text

export const isString = (written: unknown): written is string => typeof written === 'string'

export const isInteger = (written: unknown): written is number => Number.isSafeInteger(written)

const decimal = /^\d+(\.\d+)?$/

/** Decimal digits only: `Number` would also accept '', '1e3' and ' 4 '. */
const parseNumber = (text: string): unknown => (decimal.test(text) ? Number(text) : text)

export const parseInteger = (text: string): unknown => {
  if (/^(0x[\da-f]+|0o[0-7]+)$/i.test(text) || decimal.test(text)) return Number(text)
  return text
}

/** Integers; hexadecimal (0x1f) and octal (0o17) text is accepted too. */
export function integer(limits: { readonly min?: number; readonly max?: number } = {}): Kind<number, number> {
  const { min = 0, max } = limits
  return {
    expects: max === undefined ? `a whole number, ${min} or more` : `a whole number from ${min} to ${max}`,
    metavar: 'INT',
    type: 'number',
    schema: { type: 'integer', minimum: min, ...(max === undefined ? {} : { maximum: max }) },
    read: written =>
      isInteger(written) && written >= min && written <= (max ?? written) ? written : undefined,
    fromText: parseInteger,
  }
}

/** Seconds, fractions allowed. */
export const seconds: Kind<number, number> = {
  expects: 'a number of seconds, 0 or more',
  metavar: 'SECONDS',
  type: 'number',
  schema: { type: 'number', minimum: 0 },
  read: written =>
    typeof written === 'number' && Number.isFinite(written) && written >= 0 ? written : undefined,
  fromText: parseNumber,
}

/** The longest delay of a Node timer, minus the second that Node adds to some: longer timers fire at once. */
const maxTimerSeconds = 2_147_482

/** Seconds, for a timer in a worker. */
export const timerSeconds: Kind<number, number> = {
  ...seconds,
  expects: `a number of seconds from 0 to ${maxTimerSeconds}`,
  schema: { type: 'number', minimum: 0, maximum: maxTimerSeconds },
  read: written => {
    const read = seconds.read(written)
    return read !== undefined && read <= maxTimerSeconds ? read : undefined
  },
}

const byteUnits: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 }

/** A number of bytes; text may end in K, M or G (powers of 1024). */
export const bytes: Kind<number | string, number> = {
  expects: 'a number of bytes, 0 or more, such as 1048576, 512K, 256M or 2G',
  metavar: 'BYTES',
  type: 'number | string',
  schema: {
    anyOf: [
      { type: 'integer', minimum: 0 },
      { type: 'string', pattern: '^\\d+[kKmMgG]?$' },
    ],
  },
  read: written => {
    const [, digits, unit] = /^(\d+)([kmg]?)$/i.exec(String(written)) ?? []
    if (digits === undefined || !(isString(written) || isInteger(written))) return undefined
    const value = Number(digits) * (byteUnits[unit?.toLowerCase() ?? ''] ?? Number.NaN)
    return isInteger(value) ? value : undefined
  },
  fromText: asText,
}

/** Permission bits: a number, or octal text as Gunicorn takes it (0117 or 0o117). */
export const mode: Kind<number | string, number> = {
  expects: 'permission bits from 0 to 0o777, such as 0o117',
  metavar: 'MODE',
  type: 'number | string',
  schema: {
    anyOf: [
      { type: 'integer', minimum: 0, maximum: 0o777 },
      { type: 'string', pattern: '^(0|0x[\\da-fA-F]+|0[oO]?[0-7]+|[1-9]\\d*)$' },
    ],
  },
  read: written => {
    const value = isString(written) ? parseInteger(written.replace(/^0(?=[0-7]+$)/, '0o')) : written
    return isInteger(value) && value >= 0 && value <= 0o777 ? value : undefined
  },
  fromText: asText,
  show: value => (value === 0 ? '0' : `0o${value.toString(8)}`),
}

export const boolean: Kind<boolean, boolean> = {
  expects: 'true or false',
  metavar: '',
  type: 'boolean',
  schema: { type: 'boolean' },
  read: written => (typeof written === 'boolean' ? written : undefined),
  fromText: text => (text === 'true' ? true : text === 'false' ? false : text),
  switch: true,
}

/** Text that is not empty once trimmed. */
export function text(metavar: string): Kind<string, string> {
  return {
    expects: 'text that is not empty',
    metavar,
    type: 'string',
    schema: { type: 'string', pattern: '\\S' },
    read: written => (isString(written) ? written.trim() || undefined : undefined),
    fromText: asText,
  }
}

/** Text as it is, which may be empty. */
export function anyText(metavar: string): Kind<string, string> {
  return {
    expects: 'text',
    metavar,
    type: 'string',
    schema: { type: 'string' },
    read: written => (isString(written) ? written : undefined),
    fromText: asText,
  }
}

/** A path of URLs, or empty text. */
export const urlPath: Kind<string, string> = {
  ...anyText('PATH'),
  expects: 'a path that begins with a slash, such as /shop',
  schema: { type: 'string', pattern: '^(/[^\\s?#]*)?$' },
  read: written => (isString(written) && /^(?:\/[^\s?#]*)?$/.test(written) ? written : undefined),
}

/** Text or null; empty text means null. */
export function optionalText(metavar: string): Kind<string | null, string | null> {
  return {
    expects: 'text or null',
    metavar,
    type: 'string | null',
    schema: { type: ['string', 'null'] },
    read: written => (isString(written) ? written.trim() || null : written === null ? null : undefined),
    fromText: asText,
  }
}

const aFile = optionalText('FILE')

/** A file that does not look like a port: in other programs, `-p 3000` often sets the port. */
export const fileNotPort: Kind<string | null, string | null> = {
  ...aFile,
  expects: 'null or a file whose name is not a number (a port is set with -b)',
  schema: { ...aFile.schema, pattern: '\\D|^$' },
  read(written) {
    const file = aFile.read(written)
    return file != null && /^\d+$/.test(file) ? undefined : file
  },
}

/** One of a few words. */
export function choice<const Words extends readonly string[]>(
  words: Words,
  bare?: Words[number],
): Kind<Words[number], Words[number]> {
  return {
    expects: `one of ${words.join(', ')}`,
    metavar: words.join('|'),
    type: words.map(word => `'${word}'`).join(' | '),
    schema: { enum: words },
    read: written => words.find(word => word === written),
    fromText: asText,
    ...(bare === undefined ? {} : { bare }),
  }
}

/** More than a machine can run, and few enough to be handled one by one. */
export const mostWorkers = 4_096

/** A share of the workers: a number, or a percentage, which is rounded up. */
export type Share = number | `${number}%`

export const share: Kind<Share, Share> = {
  expects: 'a whole number, 1 or more, or a percentage from 1% to 100%',
  metavar: 'INT|PERCENT%',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a type
  type: 'number | `${number}%`',
  schema: {
    anyOf: [
      { type: 'integer', minimum: 1 },
      { type: 'string', pattern: '^(100|[1-9]\\d?)%$' },
    ],
  },
  read: written => {
    if (isInteger(written)) return written >= 1 ? written : undefined
    return isString(written) && /^(100|[1-9]\d?)%$/.test(written) ? (written as Share) : undefined
  },
  fromText: parseInteger,
}
