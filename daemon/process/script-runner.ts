/**
 * Detects `npm start`, `npx` and the like: they put a shell in between, which dies of a signal and leaves the server
 * behind.
 */
import { readFileSync } from 'node:fs'

/** What to log if such a runner started this process; undefined if none did, or if the system does not tell. */
export function deafRunner(env: NodeJS.ProcessEnv): string | undefined {
  // All of these runners set it.
  if (env.npm_config_user_agent === undefined) return undefined
  const shell = process.ppid
  if (!/^(?:\S*\/)?(?:ba|da|z|k)?sh -c /.test(commandOf(shell))) return undefined
  const runner = parentOf(shell)
  const [, name] = /(?:^|\/)(npm|npx|pnpm|yarn)(?:-cli)?(?:\.c?js)?(?: |$)/.exec(commandOf(runner)) ?? []
  if (name === undefined) return undefined
  return `Started by ${name} (pid ${runner}), which hands on no signals: send them to pid ${process.pid}, or start node_modules/.bin/tsicorn (in a script: exec tsicorn)`
}

function commandOf(pid: number): string {
  return read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(read(`/proc/${pid}/status`))?.[1])
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // The process is gone, or there is no /proc: nothing is logged.
    return ''
  }
}
