/** Explains why a file of the user could not be loaded. */
import { execFile } from 'node:child_process'
import { dirname, relative } from 'node:path'
import { promisify } from 'node:util'
import { isOwnFrame } from '../../hooks/own-files.ts'
import { isError, messageOf, propertyOf, textIn } from '../../hooks/thrown.ts'

interface Explanation {
  readonly message: string
  /** The file cannot be parsed, or an import is missing: then a stack would not help. */
  readonly unreadable: boolean
}

/** The explanation, in one line. */
export async function explainLoadError(error: unknown, path: string): Promise<Explanation> {
  if (!isError(error)) return { message: `Cannot load it: it threw ${messageOf(error)}`, unreadable: true }
  const message = messageOf(error).split('\n')[0] ?? ''
  // From get-tsconfig, with which tsx reads tsconfig.json.
  const [, extended] = /^File '(.+)' not found\.$/.exec(message) ?? []
  if (extended !== undefined) {
    const cure = 'install it, or correct "extends"'
    return {
      message: `Cannot load it: tsconfig.json extends "${extended}", which is not there: ${cure}`,
      unreadable: true,
    }
  }
  if (isErrorNamed(error, 'TransformError')) {
    // esbuild: "Transform failed with 1 error:\n/path/file.ts:3:2: ERROR: Expected ..."
    const [, place, what] = /^(.+:\d+:\d+): ERROR: (.*)$/m.exec(messageOf(error)) ?? []
    return syntaxError(what ?? message, place, path)
  }
  if (error instanceof SyntaxError)
    return syntaxError(withoutQuery(message), await findPosition(error, path), path)
  if (/MODULE_NOT_FOUND$/.test(textIn(error, 'code') ?? '')) {
    const stack = propertyOf(error, 'requireStack')
    const importer: unknown = Array.isArray(stack) ? stack[0] : undefined
    const by = typeof importer === 'string' ? ` required by ${importer}` : ''
    return { message: `Cannot load it: ${withoutQuery(message + by)}`, unreadable: true }
  }
  const name = textIn(error, 'name') ?? 'Error'
  return { message: `Cannot load it: it threw ${name}: ${message}`, unreadable: false }
}

function isErrorNamed(error: Error, name: string): boolean {
  const made = propertyOf(error, 'constructor')
  const names = [textIn(error, 'name'), typeof made === 'function' ? made.name : undefined]
  return names.includes(name) || messageOf(error).startsWith('Transform failed')
}

function syntaxError(what: string, place: string | undefined, path: string): Explanation {
  const folder = `${dirname(path)}/`
  const told = place === undefined ? undefined : withoutQuery(place)
  const where = told?.startsWith(folder) ? relative(folder, told) : told
  return { message: `Cannot load it: syntax error${where ? ` at ${where}` : ''}: ${what}`, unreadable: true }
}

/**
 * Node reports the position of a syntax error in the stack for CommonJS, but for modules only when the process ends.
 */
async function findPosition(error: SyntaxError, path: string): Promise<string | undefined> {
  const place = /^(?:file:\/\/)?(\/.+:\d+)$/m
  const [, told] = place.exec(textIn(error, 'stack')?.split('\n    at ')[0] ?? '') ?? []
  if (told !== undefined || path.endsWith('.json')) return told
  try {
    await promisify(execFile)(process.execPath, ['--check', path])
    return undefined
  } catch (failure) {
    // If no process can be started, the position remains unknown.
    const { stderr = '' } = failure as { readonly stderr?: string }
    return place.exec(stderr)?.[1]
  }
}

/** The stack of an error without the frames of Node and of the loader. */
export function userStack(error: unknown): string | undefined {
  const foreign = /node:internal|\/node_modules\/(tsx|esbuild)\//
  return textIn(error, 'stack')
    ?.split('\n')
    .filter(line => !(/^ +at /.test(line) && (foreign.test(line) || isOwnFrame(line))))
    .map(withoutQuery)
    .join('\n')
}

/** Removes the queries that were added to the URLs of modules. */
function withoutQuery(text: string): string {
  return text.replace(/[?&](tsicorn-import|tsx-namespace|namespace)=[\w-]+/g, '')
}
