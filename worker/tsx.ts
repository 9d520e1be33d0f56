/** tsx, for what Node cannot load by itself: enums, decorators, the paths of a tsconfig, JSX, imports without an extension. */
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const typeScript = /\.[mc]?ts$/

/** What Node says of TypeScript that it cannot strip, whoever imports it. */
const unstrippable = new Set([
  'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX',
  'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING',
  'ERR_UNKNOWN_FILE_EXTENSION',
])

/** What it says where imports of TypeScript are not written as Node wants them. */
const unresolvable = new Set([
  'ERR_MODULE_NOT_FOUND',
  'MODULE_NOT_FOUND',
  'ERR_UNSUPPORTED_DIR_IMPORT',
  'ERR_PACKAGE_IMPORT_NOT_DEFINED',
  'ERR_IMPORT_ATTRIBUTE_MISSING',
  'ERR_REQUIRE_ESM',
  'ERR_REQUIRE_ASYNC_MODULE',
])

/** Names that only CommonJS has; tsx gives them to modules. */
const ofCommonJs = /^(?:require|module|exports|__dirname|__filename) is not defined/

/** Whether Node has no way at all to run the file. */
export function needsTsx(url: string): boolean {
  return /\.[jt]sx$/.test(url)
}

/** Whether an app that failed by this error may load with tsx. */
export function tsxMayHelp(error: unknown, url: string): boolean {
  if (!(error instanceof Error)) return false
  const code = 'code' in error ? String(error.code) : ''
  if (unstrippable.has(code)) return true
  if (!typeScript.test(url)) return false
  // A name that is imported without `type`, and a decorator, are errors of syntax too.
  if (error instanceof SyntaxError || unresolvable.has(code)) return true
  return error instanceof ReferenceError && ofCommonJs.test(error.message)
}

let stop: (() => void) | undefined

/** From now on tsx loads what this process imports. */
export async function registerTsx(url: string): Promise<void> {
  const [esm, cjs] = await Promise.all([import('tsx/esm/api'), import('tsx/cjs/api')])
  const { nearestTsconfig, withTsconfig } = await import('../config/fresh.ts')
  const nearest = nearestTsconfig(dirname(fileURLToPath(url)))
  // tsx looks upwards from the working folder. What it finds there it takes even when that extends a missing package, as
  // the tsconfig of a deployed app may well do; what it is given has to be whole.
  const tsconfig = nearest === nearestTsconfig(process.cwd()) ? undefined : nearest
  withTsconfig(process.env.TSX_TSCONFIG_PATH ?? tsconfig, () => {
    cjs.register()
    esm.register()
  })
  stop = stopOf()
}

/** Ends the process that tsx has beside this one; it comes back when there is something to do. */
export function restTsx(): void {
  stop?.()
}

/** tsx has esbuild, which has the process. */
function stopOf(): () => void {
  const tsx = createRequire(createRequire(import.meta.url).resolve('tsx/esm/api'))
  const { stop } = tsx('esbuild') as { readonly stop: () => Promise<void> }
  return () => void stop()
}
