/** Starts processes, and explains why one could not be started and what to do about it. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { systemMessage } from '../../worker/protocol/system-error.ts'

/** How a process ended. */
export interface ExitStatus {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/**
 * Starts a process, or returns the error. A process without a pid emits its error a moment later, and may have no
 * streams: Node emits EACCES, EAGAIN, EMFILE, ENFILE and ENOENT, and throws all others.
 */
export function trySpawn(
  file: string,
  args: readonly string[],
  options: SpawnOptions,
): ChildProcess | NodeJS.ErrnoException {
  try {
    return spawn(file, args, options)
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** The same for callers that can wait: resolves with the error also where Node emits it. */
export async function spawnOrFail(
  file: string,
  args: readonly string[],
  options: SpawnOptions,
): Promise<ChildProcess | NodeJS.ErrnoException> {
  const child = trySpawn(file, args, options)
  if (child instanceof Error || child.pid !== undefined) return child
  const [error] = (await once(child, 'error')) as [NodeJS.ErrnoException]
  return error
}

/** Why `file` could not be started in that folder, and the fix: the errors of `spawn` name neither. */
export function whyNotStarted({ code, message }: NodeJS.ErrnoException, file: string, cwd: string): string {
  return [message, folderTrouble(cwd) ?? fileTrouble(file) ?? cures[code ?? '']].filter(Boolean).join(': ')
}

const cures: Readonly<Record<string, string>> = {
  E2BIG: 'its arguments and its environment are too long: shorten proc_name, or unset variables',
  EAGAIN: 'there are as many processes as there may be: raise the limit (ulimit -u, TasksMax, pids.max)',
  EMFILE: 'too many files are open: raise the limit (ulimit -n)',
  ENFILE: 'too many files are open in the whole system: raise fs.file-max',
  ENOMEM: 'there is no memory for it: start fewer workers, or add memory',
}

function folderTrouble(path: string): string | undefined {
  const trouble = troubleWith(path, stat => (stat.isDirectory() ? undefined : 'is no folder'))
  return trouble && `its working folder "${path}" ${trouble}: correct chdir`
}

function fileTrouble(path: string): string | undefined {
  // A name without a folder is looked up in PATH.
  const trouble = path.includes('/') ? troubleWith(path, () => undefined) : undefined
  return trouble && `"${path}" ${trouble}: put it back, or start tsicorn again`
}

function troubleWith(
  path: string,
  judge: (stat: ReturnType<typeof statSync> & object) => string | undefined,
): string | undefined {
  try {
    return judge(statSync(path))
  } catch (error) {
    return `cannot be used (${systemMessage(error as Error)})`
  }
}
