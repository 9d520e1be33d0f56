/**
 * Decides when to use tsx, for code that Node cannot load: enums, decorators, tsconfig paths, JSX, imports without
 * extension.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const typeScript = /\.[mc]?ts$/

/** Node's errors for TypeScript that it cannot strip, in any importer. */
const unstrippable = new Set([
  'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX',
  'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING',
  'ERR_UNKNOWN_FILE_EXTENSION',
])

/** Node's errors for imports in TypeScript that it cannot resolve as written. */
const unresolvable = new Set([
  'ERR_MODULE_NOT_FOUND',
  'MODULE_NOT_FOUND',
  'ERR_UNSUPPORTED_DIR_IMPORT',
  'ERR_PACKAGE_IMPORT_NOT_DEFINED',
  'ERR_IMPORT_ATTRIBUTE_MISSING',
  'ERR_REQUIRE_ESM',
  'ERR_REQUIRE_ASYNC_MODULE',
])

/** Names that only CommonJS has, and that tsx provides to modules. */
const commonJsOnly = /^(?:require|module|exports|__dirname|__filename) is not defined/

/** Whether Node cannot run the file at all. */
export function needsTsx(url: string): boolean {
  return /\.[jt]sx$/.test(url)
}

/** Whether a file that failed with this error may load with tsx. */
export function tsxMayHelp(error: unknown, url: string): boolean {
  if (!(error instanceof Error)) return false
  const code = 'code' in error ? String(error.code) : ''
  if (unstrippable.has(code)) return true
  if (!typeScript.test(url)) return false
  // A type imported without `type`, and a decorator, are syntax errors too.
  if (error instanceof SyntaxError || unresolvable.has(code)) return true
  return error instanceof ReferenceError && commonJsOnly.test(error.message)
}

let mayStop = true
let isLeft = false

/** Call in a thread: from now on they are left, because others of its process may need theirs. */
export function leaveTsxHelpers(): void {
  mayStop = false
}

/** Whether this thread has left some. */
export function hasTsxHelpers(): boolean {
  return isLeft
}

/** How long the esbuild process may take to exit, in milliseconds. */
const exitMs = 500

/**
 * Stops the esbuild process and the thread of tsx; they restart when needed.
 *
 * Synchronous, so that nothing can need them meanwhile. The thread must see its process exit, or that remains a zombie.
 *
 * `inThread` says that no other thread needs its own any more, and that all of them do the same.
 */
export function stopTsxHelpers(inThread = false): void {
  isLeft = !mayStop && !inThread
  if (isLeft) return
  // Stopping the thread would also stop the app's own use of esbuild.
  if (esbuildProcesses(process.pid).length > 0) return
  const helpers = threads().flatMap(esbuildProcesses)
  if (helpers.length === 0 && !inThread) return
  for (const pid of helpers) kill(pid)
  const until = performance.now() + exitMs
  while (threads().some(thread => esbuildProcesses(thread).length > 0) && performance.now() < until) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
  }
  const { stop } = createRequire(import.meta.url)(resolveEsbuild()) as { readonly stop: () => unknown }
  stop()
}

/** Another thread may have seen it end. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function threads(): number[] {
  return existsSync('/proc/self/task') ? readdirSync('/proc/self/task').map(Number) : []
}

/** The esbuild processes that a thread has started; empty without `/proc`. */
function esbuildProcesses(thread: number): number[] {
  try {
    const children = readFileSync(`/proc/self/task/${thread}/children`, 'utf8').split(' ')
    return children.filter(Boolean).map(Number).filter(isEsbuild)
  } catch {
    // The thread has ended.
    return []
  }
}

function isEsbuild(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'esbuild'
  } catch {
    // It has ended.
    return false
  }
}

/** The esbuild that tsx uses. */
function resolveEsbuild(): string {
  return createRequire(createRequire(import.meta.url).resolve('tsx/esm/api')).resolve('esbuild')
}
