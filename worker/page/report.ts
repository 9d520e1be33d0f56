/** What there is to say about an app that does not load, the same for browsers and terminals. */
import { dirname, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { appPathOf, findAppFile } from '../protocol/app-file.ts'
import type { ErrorPage } from '../protocol/messages.ts'
import { type Frame, readFailure } from './failure.ts'
import { type ExcerptLine, excerptOf, type Place } from './source.ts'
import { findSyntaxError } from './syntax-check.ts'

export interface Report {
  readonly heading: string
  readonly app: string
  readonly message: string
  /** `src/app.ts:3:14`. */
  readonly where: string | undefined
  readonly excerpt: readonly ExcerptLine[] | undefined
  readonly stack: readonly Frame[]
}

/** `cwd` is the folder of the application. */
export async function makeReport(
  { heading, message: told }: ErrorPage,
  app: string,
  cwd: string,
): Promise<Report> {
  const file = fileOf(app, cwd)
  const failure = readFailure(told, [...(file === undefined ? [] : [dirname(file)]), cwd])
  const place =
    failure.place ?? (file && isUnplaced(failure.message) ? await findSyntaxError(file) : undefined)
  const excerpt = place && excerptOf(place)
  return {
    heading,
    app,
    message: printable(failure.message),
    where: place && printable(describe(place, cwd)),
    excerpt: excerpt?.map(line => ({ ...line, text: printable(line.text) })),
    stack: failure.stack.map(frame => ({ ...frame, text: printable(shortened(frame.text, cwd)) })),
  }
}

function shortened(text: string, cwd: string): string {
  return text.replaceAll(`${pathToFileURL(cwd).href}/`, '').replaceAll(`${cwd}/`, '')
}

/** Node does not say where the syntax error in an imported module is. */
function isUnplaced(message: string): boolean {
  return message.startsWith('syntax error: ')
}

function fileOf(app: string, cwd: string): string | undefined {
  try {
    return findAppFile(appPathOf(app), cwd)
  } catch {
    // The message says that it cannot be read.
    return undefined
  }
}

function describe({ file, line, column }: Place, cwd: string): string {
  const path = relative(cwd, file)
  return [path.startsWith('..') ? file : path, line, column].filter(part => part !== undefined).join(':')
}

/**
 * Replaces what a terminal would obey, and what hides the order of characters from a reader; each by one character, so
 * that columns stay the same.
 */
function printable(text: string): string {
  return text.replace(/[^\P{C}\n\t]/gu, one => '\ufffd'.repeat(one.length))
}
