/** Reads the literals of an app spec such as `./app.ts:create(1, { a: true })`. */
import { AppError } from '../protocol/boot-error.ts'

/** A value between the parentheses. */
export type Literal =
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly Literal[]
  | { readonly [key: string]: Literal }

const words = new Map<string, Literal>([
  ['true', true],
  ['false', false],
  ['null', null],
  ['undefined', undefined],
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
])

/** The same in Python, as a Gunicorn user may write them. */
const pythonWords = new Map([
  ['True', 'true'],
  ['False', 'false'],
  ['None', 'null'],
])

const escapes = new Map([
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['b', '\b'],
  ['f', '\f'],
  ['0', '\0'],
])

/** Reads from left to right, and skips white space. */
export class LiteralReader {
  readonly #text: string
  #at: number

  constructor(text: string, at: number) {
    this.#text = text
    this.#at = at
  }

  atEnd(): boolean {
    this.#match(/\s*/y)
    return this.#at === this.#text.length
  }

  peek(mark: string): boolean {
    this.#match(/\s*/y)
    return this.#text.startsWith(mark, this.#at)
  }

  accept(mark: string): boolean {
    if (!this.peek(mark)) return false
    this.#at += mark.length
    return true
  }

  identifier(): string | undefined {
    this.#match(/\s*/y)
    return this.#match(/[\p{ID_Start}$_][\p{ID_Continue}$]*/uy)
  }

  /** The `count` of `count=3`, if that comes next. */
  keyword(): string | undefined {
    const start = this.#at
    const name = this.identifier()
    if (name !== undefined && this.accept('=')) return name
    this.#at = start
    return undefined
  }

  literal(): Literal {
    if (this.accept('[')) return this.#array()
    if (this.accept('{')) return this.#object()
    if (this.peek('"') || this.peek("'")) return this.#string()
    const number = this.#match(/[-+]?(?:0x[\da-f]+|(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)(?![\w.])/iy)
    if (number !== undefined) return toNumber(number)
    const start = this.#at
    const word = this.identifier()
    if (word !== undefined && words.has(word)) return words.get(word)
    this.#at = start
    throw this.error(whyNoLiteral(word ?? this.#match(/[^\s,)\]}]*/y)))
  }

  /** An error at the position of the reader. */
  error(complaint: string): AppError {
    return new AppError(
      `The app ${JSON.stringify(this.#text)} cannot be read at character ${this.#at + 1}: ${complaint}`,
    )
  }

  #array(): Literal[] {
    const items: Literal[] = []
    while (!this.accept(']')) {
      items.push(this.literal())
      if (!this.accept(',') && !this.peek(']')) throw this.error('a comma or a closing bracket is missing')
    }
    return items
  }

  #object(): { readonly [key: string]: Literal } {
    const entries: [string, Literal][] = []
    while (!this.accept('}')) {
      const key = this.peek('"') || this.peek("'") ? this.#string() : this.identifier()
      if (key === undefined) throw this.error('the name of a property is missing')
      if (!this.accept(':')) throw this.error(`a colon must follow the property ${key}`)
      entries.push([key, this.literal()])
      if (!this.accept(',') && !this.peek('}')) throw this.error('a comma or a closing brace is missing')
    }
    return Object.fromEntries(entries)
  }

  #string(): string {
    const start = this.#at
    const quoted = this.#match(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/suy)
    if (quoted === undefined) {
      this.#at = start
      throw this.error('the string has no closing quote')
    }
    return quoted
      .slice(1, -1)
      .replace(/\\(?:u([\da-f]{4})|x([\da-f]{2})|(.))/gisu, (_, unicode, hex, other) =>
        other === undefined
          ? String.fromCharCode(Number.parseInt(unicode ?? hex, 16))
          : (escapes.get(other) ?? other),
      )
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    this.#at += found?.length ?? 0
    return found
  }
}

function toNumber(text: string): number {
  return /^-0x/i.test(text) ? -Number(text.slice(1)) : Number(text.replace(/^\+/, ''))
}

function whyNoLiteral(found: string | undefined): string {
  const instead = pythonWords.get(found ?? '')
  if (instead !== undefined) return `${found} is not a literal here: write ${instead}`
  if (!found) return 'a value is missing'
  return `${found} is not a literal: use strings, numbers, true, false, null, undefined, arrays or objects`
}
