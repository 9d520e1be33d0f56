/** System calls of one process that fail for a while, by strace. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { within } from '../server/patience.ts'

/** Why strace cannot be used here; undefined where it can. */
export function whyNotInjected(): string | undefined {
  const { status, error } = spawnSync('strace', [
    '-e',
    'inject=getppid:error=EPERM',
    '-o',
    '/dev/null',
    'true',
  ])
  if (error !== undefined) return 'no strace'
  return status === 0 ? undefined : 'no ptrace'
}

/**
 * Lets these calls of the main thread fail until the returned function is called; undefined where strace cannot attach.
 * Threads of libuv are not touched: `calls` are those that the event loop makes itself.
 */
export async function inject(
  pid: number,
  calls: readonly string[],
  error: string,
): Promise<(() => Promise<void>) | undefined> {
  const names = calls.map(name => `?${name}`).join(',')
  const args = [
    '-p',
    String(pid),
    '-o',
    '/dev/null',
    '-e',
    `trace=${names}`,
    '-e',
    `inject=${names}:error=${error}`,
  ]
  const strace = spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const attached = once(strace.stderr, 'data').then(([text]) => /attached/.test(String(text)))
  const ended = once(strace, 'exit').then(() => false)
  if ((await within(Promise.race([attached, ended]), 10)) !== true) {
    await detach(strace)
    return undefined
  }
  return () => detach(strace)
}

async function detach(strace: ChildProcess): Promise<void> {
  if (strace.exitCode !== null || strace.signalCode !== null) return
  const ended = once(strace, 'exit')
  // It lets go of the process before it ends.
  strace.kill('SIGTERM')
  if ((await within(ended, 5)) === undefined) strace.kill('SIGKILL')
}
