/** Parses the app as the operator names it: `path`, `path:export` or `path:factory(literals)`. */
import { AppError } from '../protocol/boot-error.ts'
import { type Literal, LiteralReader } from './literal-reader.ts'

/** The parts of an app spec. */
export interface AppSpec {
  /** The whole text, as written, for messages. */
  readonly text: string
  /** A file, relative to the working folder, or the name of a package. */
  readonly path: string
  /** The export to use; absent when tsicorn is to look for one. */
  readonly name?: string
  /** The arguments of a call such as `create_app(count=3)`; keywords become one object, the last argument. */
  readonly args?: readonly Literal[]
}

/**
 * Reads Gunicorn's `MODULE:EXPR` for files and packages.
 *
 * @throws AppError with the position of what cannot be parsed
 */
export function parseAppSpec(text: string): AppSpec {
  const colon = text.indexOf(':')
  const path = colon === -1 ? text : text.slice(0, colon)
  if (path.trim() === '')
    throw new AppError(`The app ${quote(text)} names no file: write it as ./app.ts or ./app.ts:app`)
  if (colon === -1) {
    if (path.endsWith(')'))
      throw new AppError(`The app ${quote(text)} names no factory: write it as ./app.ts:create()`)
    return { text, path }
  }
  const reader = new LiteralReader(text, colon + 1)
  const name = reader.identifier()
  if (name === undefined) throw reader.error('the name of an export must follow the colon')
  if (reader.atEnd()) return { text, path, name }
  if (reader.peek('.'))
    throw reader.error('only a plain export can be named: export what stands behind the dot')
  if (!reader.accept('(')) throw reader.error('only an export or a call with literals can follow the colon')
  const args = readArguments(reader)
  if (!reader.atEnd()) throw reader.error('nothing can follow the call')
  return { text, path, name, args }
}

function readArguments(reader: LiteralReader): Literal[] {
  const args: Literal[] = []
  const keywords = new Map<string, Literal>()
  while (!reader.accept(')')) {
    const keyword = reader.keyword()
    if (keyword !== undefined) {
      if (keywords.has(keyword)) throw reader.error(`the argument ${keyword} is given twice`)
      keywords.set(keyword, reader.literal())
    } else if (keywords.size > 0) {
      throw reader.error('a positional argument cannot follow a keyword argument')
    } else {
      args.push(reader.literal())
    }
    if (!reader.accept(',') && !reader.peek(')'))
      throw reader.error('a comma or a closing parenthesis is missing')
  }
  if (keywords.size > 0) args.push(Object.fromEntries(keywords))
  return args
}

function quote(text: string): string {
  return JSON.stringify(text)
}
