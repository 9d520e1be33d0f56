/** tsx, for what Node cannot load by itself: enums, decorators, the paths of a tsconfig, JSX, imports without an extension. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

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

/** Whether a file that failed by this error may load with tsx. */
export function tsxMayHelp(error: unknown, url: string): boolean {
  if (!(error instanceof Error)) return false
  const code = 'code' in error ? String(error.code) : ''
  if (unstrippable.has(code)) return true
  if (!typeScript.test(url)) return false
  // A name that is imported without `type`, and a decorator, are errors of syntax too.
  if (error instanceof SyntaxError || unresolvable.has(code)) return true
  return error instanceof ReferenceError && ofCommonJs.test(error.message)
}

/** How long the process of esbuild may take to end, in milliseconds. */
const endingMs = 500

/**
 * Ends the thread and the process that tsx has beside this one; they come back when there is something to do.
 *
 * Nothing else runs here meanwhile, which could need them. The thread has to see its process end, or that stays as a zombie.
 */
export function stopTsxHelpers(): void {
  // With the thread, what the app itself does with esbuild would end.
  if (helpersOf(process.pid).length > 0) return
  const helpers = threads().flatMap(helpersOf)
  if (helpers.length === 0) return
  for (const pid of helpers) process.kill(pid, 'SIGKILL')
  const until = performance.now() + endingMs
  while (threads().some(thread => helpersOf(thread).length > 0) && performance.now() < until) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
  }
  const { stop } = createRequire(import.meta.url)(esbuild()) as { readonly stop: () => unknown }
  stop()
}

function threads(): number[] {
  return existsSync('/proc/self/task') ? readdirSync('/proc/self/task').map(Number) : []
}

/** The processes of esbuild that a thread has started; none are known where there is no `/proc`. */
function helpersOf(thread: number): number[] {
  try {
    const children = readFileSync(`/proc/self/task/${thread}/children`, 'utf8').split(' ')
    return children.filter(Boolean).map(Number).filter(isEsbuild)
  } catch {
    // The thread has ended.
    return []
  }
}

function isEsbuild(pid: number): boolean {
  return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'esbuild'
}

/** That of tsx. */
function esbuild(): string {
  return createRequire(createRequire(import.meta.url).resolve('tsx/esm/api')).resolve('esbuild')
}
