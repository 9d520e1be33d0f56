/** Reads source files for the excerpt: any path may be named in an error, so nothing is waited for, and all is bounded. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'

/** Where a mistake seems to be. */
export interface Place {
  /** Absolute. */
  readonly file: string
  /** From 1; absent if only the file is known. */
  readonly line?: number
  /** From 1. */
  readonly column?: number
}

export interface ExcerptLine {
  readonly number: number
  readonly text: string
  /** The mistake seems to be here, at this column of the text, from 1. */
  readonly mark?: { readonly column: number | undefined }
}

/** How many lines are shown before and after the one that counts. */
const around = 3

/** The width of a line, in characters; longer ones are cut. */
const longestLine = 200

/** How far a line is shown before its column where it is cut. */
const before = 80

/** Larger files are no sources, in bytes. */
const largestFile = 8 * 2 ** 20

/** The lines around the place; undefined where there is no such line to read. */
export function excerptOf({ file, line, column }: Place): readonly ExcerptLine[] | undefined {
  if (line === undefined) return undefined
  const lines = linesOf(file)
  if (lines === undefined || lines[line - 1] === undefined) return undefined
  // The end of the last line is no line.
  const end = lines.at(-1) === '' ? Math.max(line, lines.length - 1) : lines.length
  const first = Math.max(1, line - around)
  return lines.slice(first - 1, Math.min(line + around, end)).map((text, index) => {
    const number = first + index
    if (number !== line) return { number, text: cut(text, 0) }
    const start = column === undefined || text.length <= longestLine ? 0 : Math.max(0, column - before)
    const shift = start === 0 ? 0 : start - ellipsis.length
    return {
      number,
      text: cut(text, start),
      mark: { column: column === undefined ? column : column - shift },
    }
  })
}

const ellipsis = '…'

function cut(text: string, start: number): string {
  const end = text.length > start + longestLine ? ellipsis : ''
  return `${start === 0 ? '' : ellipsis}${text.slice(start, start + longestLine)}${end}`
}

/** Undefined where it is no text, or cannot be read. */
export function linesOf(file: string): readonly string[] | undefined {
  const bytes = read(file)
  return bytes === undefined || bytes.includes(0) ? undefined : bytes.toString().split(/\r?\n/)
}

function read(file: string): Buffer | undefined {
  let fd: number
  try {
    // Opening a pipe would wait for its other end.
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  } catch {
    // Then there is no excerpt.
    return undefined
  }
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile() || stat.size > largestFile) return undefined
    const bytes = Buffer.alloc(stat.size)
    return bytes.subarray(0, readSync(fd, bytes, 0, stat.size, 0))
  } catch {
    return undefined
  } finally {
    closeSync(fd)
  }
}
