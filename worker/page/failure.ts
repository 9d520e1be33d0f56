/** Reads what the arbiter was told about an app that does not load: the message, the place, the stack. */
import { basename, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isOwnFrame } from '../../hooks/own-files.ts'
import { linesOf, type Place } from './source.ts'

export interface Frame {
  readonly text: string
  readonly place?: Place
  /** It is of a package, of Node, or of tsicorn. */
  readonly isForeign: boolean
}

export interface Failure {
  readonly message: string
  readonly place: Place | undefined
  readonly stack: readonly Frame[]
}

/** `folders`: where relative paths may start, the first in which such a file can be read wins. */
export function readFailure(text: string, folders: readonly string[]): Failure {
  const lines = text.split('\n')
  const first = lines.findIndex(line => /^\s+at /.test(line))
  const end = first === -1 ? lines.length : first
  const message = lines.slice(0, end).join('\n').replace(prefix, '').trim()
  const stack = lines.slice(end).map(frameOf)
  const own = stack.find(({ place, isForeign }) => place !== undefined && !isForeign)
  return { message, place: toldPlace(message.slice(0, longestLine), folders, own?.place), stack }
}

/** Longer lines of a stack, and the rest of longer messages, name no place; in characters. */
const longestLine = 4_096

/** The heading of the page says as much. */
const prefix = /^The app "(?:[^"\\]|\\.)*" failed: (?:Cannot load it: )?/

function frameOf(line: string): Frame {
  if (line.length > longestLine) return { text: line.trim(), isForeign: false }
  const [, url, row, column] = /^\s+at (?:.*\()?((?:file:\/\/)?\/.*?):(\d+):(\d+)\)?$/.exec(line) ?? []
  const isForeign =
    /\/node_modules\/|\bnode:|^\s+at (?:async )?(?:<anonymous>|native)/.test(line) || isOwnFrame(line)
  const file = url === undefined ? undefined : pathOf(url)
  if (file === undefined) return { text: line.trim(), isForeign }
  return { text: line.trim(), place: { file, line: Number(row), column: Number(column) }, isForeign }
}

function pathOf(url: string): string | undefined {
  if (!url.startsWith('file:')) return url
  try {
    return fileURLToPath(url)
  } catch {
    // An error may have any text for a stack.
    return undefined
  }
}

/** The place that the message itself names; that of the stack is better than the mere name of a configuration. */
function toldPlace(
  message: string,
  folders: readonly string[],
  thrown: Place | undefined,
): Place | undefined {
  const [, told, row, column] = /syntax error at (.+?):(\d+)(?::(\d+))?: /.exec(message) ?? []
  if (told !== undefined) {
    // Columns are esbuild's, which counts from 0.
    const at = column === undefined ? {} : { column: Number(column) + 1 }
    return { file: findFile(told, folders), line: Number(row), ...at }
  }
  const [, json] = /syntax error: (\/.+?): /.exec(message) ?? []
  if (json !== undefined) return { file: json }
  const [, missing, importer] =
    /Cannot find (?:module|package) '(.+?)' (?:imported from|required by) (\/.+)$/m.exec(message) ?? []
  if (importer !== undefined) return importOf(missing as string, importer)
  if (thrown !== undefined) return thrown
  const [, config, setting] = /^([^\n:]+\.(?:[cm]?[jt]s|json)): (\w+)/.exec(message) ?? []
  if (config === undefined) return undefined
  const file = findFile(config, folders)
  return { file, ...positionOf(file, line => line.includes(setting as string), setting as string) }
}

function findFile(path: string, folders: readonly string[]): string {
  const all = folders.map(folder => resolve(folder, path))
  return all.find(file => linesOf(file) !== undefined) ?? (all[0] as string)
}

/** The line that imports something, by the last part of its name. */
function importOf(name: string, file: string): Place {
  const last = basename(name)
  const isImport = (line: string) => line.includes(last) && /\b(?:import|from|require)\b/.test(line)
  return { file, ...positionOf(file, isImport, last) }
}

/** Where a word is, in the first line that is the right one. */
function positionOf(
  file: string,
  isRight: (line: string) => boolean,
  word: string,
): Pick<Place, 'line' | 'column'> {
  const lines = linesOf(file) ?? []
  const index = lines.findIndex(isRight)
  return index === -1 ? {} : { line: index + 1, column: (lines[index] as string).indexOf(word) + 1 }
}
