/** Saying why a user's file could not be loaded. */
import { execFile } from 'node:child_process'
import { dirname, relative } from 'node:path'
import { promisify } from 'node:util'
import { messageOf } from '../../hooks/thrown.ts'

interface Why {
  readonly message: string
  /** Nothing threw: the file cannot be read as code, or what it imports is missing, and a stack would say nothing. */
  readonly unreadable: boolean
}

/** Why this error kept that file from loading, in one line. */
export async function whyNotLoaded(error: unknown, path: string): Promise<Why> {
  if (!(error instanceof Error))
    return { message: `Cannot load it: it threw ${messageOf(error)}`, unreadable: true }
  const message = messageOf(error).split('\n')[0] ?? ''
  // get-tsconfig, which tsx reads the settings of TypeScript with.
  const [, extended] = /^File '(.+)' not found\.$/.exec(message) ?? []
  if (extended !== undefined) {
    const cure = 'install it, or correct "extends"'
    return {
      message: `Cannot load it: tsconfig.json extends "${extended}", which is not there: ${cure}`,
      unreadable: true,
    }
  }
  if (isNamed(error, 'TransformError')) {
    // esbuild: "Transform failed with 1 error:\n/path/file.ts:3:2: ERROR: Expected ..."
    const [, place, what] = /^(.+:\d+:\d+): ERROR: (.*)$/m.exec(error.message) ?? []
    return syntaxError(what ?? message, place, path)
  }
  if (error instanceof SyntaxError)
    return syntaxError(withoutQuery(message), await placeOf(error, path), path)
  if ('code' in error && /MODULE_NOT_FOUND$/.test(String(error.code))) {
    const importer =
      'requireStack' in error && Array.isArray(error.requireStack) ? error.requireStack[0] : undefined
    const by = typeof importer === 'string' ? ` required by ${importer}` : ''
    return { message: `Cannot load it: ${withoutQuery(message + by)}`, unreadable: true }
  }
  return { message: `Cannot load it: it threw ${error.name}: ${message}`, unreadable: false }
}

function isNamed(error: Error, name: string): boolean {
  return (
    error.name === name || error.constructor.name === name || error.message.startsWith('Transform failed')
  )
}

function syntaxError(what: string, place: string | undefined, path: string): Why {
  const folder = `${dirname(path)}/`
  const told = place === undefined ? undefined : withoutQuery(place)
  const where = told?.startsWith(folder) ? relative(folder, told) : told
  return { message: `Cannot load it: syntax error${where ? ` at ${where}` : ''}: ${what}`, unreadable: true }
}

/** Node says the place of a syntax error of CommonJS in the stack, but that of a module only when it ends the process. */
async function placeOf(error: SyntaxError, path: string): Promise<string | undefined> {
  const place = /^(?:file:\/\/)?(\/.+:\d+)$/m
  const [, told] = place.exec(error.stack?.split('\n    at ')[0] ?? '') ?? []
  if (told !== undefined || path.endsWith('.json')) return told
  try {
    await promisify(execFile)(process.execPath, ['--check', path])
    return undefined
  } catch (failure) {
    // Where no process can be started, nobody says where the mistake is.
    const { stderr = '' } = failure as { readonly stderr?: string }
    return place.exec(stderr)?.[1]
  }
}

/** The stack of an error without the frames of Node and of the loader, which tell a user nothing. */
export function userStack(error: unknown): string | undefined {
  if (!(error instanceof Error) || error.stack === undefined) return undefined
  const foreign = /node:internal|\/node_modules\/(tsx|esbuild)\//
  const own = new URL('..', import.meta.url).href
  return error.stack
    .split('\n')
    .filter(line => !(/^ +at /.test(line) && (foreign.test(line) || line.includes(own))))
    .map(withoutQuery)
    .join('\n')
}

/** Text without what was added to the addresses of modules to import them anew. */
function withoutQuery(text: string): string {
  return text.replace(/[?&](tsicorn-import|tsx-namespace|namespace)=[\w-]+/g, '')
}
