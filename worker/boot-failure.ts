/** Explains to the arbiter why a worker failed to boot. */
import { fileURLToPath } from 'node:url'
import { isMainThread } from 'node:worker_threads'
import { NeedsTsx } from './app/main-module.ts'
import {
  AppError,
  AppFailed,
  AppMissing,
  BindFailed,
  Elsewhere,
  LogFailed,
  NotReady,
  TlsFailed,
} from './protocol/boot-error.ts'
import { exitCodes } from './protocol/exit-codes.ts'
import type { BootFailure as Why } from './protocol/messages.ts'

export interface BootFailure {
  readonly why: Why
  readonly code: number
  readonly message: string
  readonly binds?: readonly string[]
}

/** Errors of the user's code keep their stack; those of tsicorn say what to do. */
export async function bootFailure(error: unknown, spec: string): Promise<BootFailure> {
  const { ok, appFailedToLoad, workerFailedToBoot } = exitCodes
  const code = workerFailedToBoot.code
  if (error instanceof Elsewhere) {
    const { message, binds } = error
    return { why: 'elsewhere', code: ok.code, message, binds }
  }
  if (error instanceof AppError) return { why: 'app', code: appFailedToLoad.code, message: error.message }
  if (error instanceof BindFailed) return { why: 'bind', code, message: error.message }
  if (error instanceof LogFailed) return { why: 'log', code, message: error.message }
  if (error instanceof NeedsTsx) return { why: 'tsx', code: ok.code, message: error.message }
  const message = isSelfExplanatory(error) ? error.message : await describeThrown(error, spec)
  return { why: 'boot', code, message: needsProcess(error) ? `${message}\n${aboutThreads}` : message }
}

const aboutThreads =
  'The app runs in a thread of a worker, and this works only in a process of its own: set worker_class to "async", and more workers'

/** Whether Node, or a native module, refuses in a thread what it does in a process. */
function needsProcess(error: unknown): boolean {
  if (isMainThread || !(error instanceof Error)) return false
  const { code = '' } = error as NodeJS.ErrnoException
  return code === 'ERR_WORKER_UNSUPPORTED_OPERATION' || /Module did not self-register/.test(error.message)
}

/** Whether the message needs no stack. */
function isSelfExplanatory(error: unknown): error is Error {
  return (
    error instanceof AppMissing ||
    error instanceof AppFailed ||
    error instanceof NotReady ||
    error instanceof TlsFailed ||
    (error instanceof Error && ['HookError', 'ConfigError', 'PrivilegeError'].includes(error.name))
  )
}

async function describeThrown(error: unknown, spec: string): Promise<string> {
  const { userStack, explainLoadError } = await import('../config/load/load-error.ts')
  const { message, unreadable } = await explainLoadError(error, await fileOf(spec).catch(() => spec))
  return `The app ${JSON.stringify(spec)} failed: ${unreadable ? message : (userStack(error) ?? message)}`
}

/** Rejects where the user of the worker may not read the folder: then that is the reason. */
async function fileOf(spec: string): Promise<string> {
  const { parseAppSpec } = await import('./app/spec.ts')
  const { resolveAppPath } = await import('./app/resolve-path.ts')
  return fileURLToPath(resolveAppPath(parseAppSpec(spec).path, process.cwd()))
}
