/** Servers in the background, for tests: found by their pidfile, and gone when the test is over. */
import { chmodSync, existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import {
  childrenOf,
  eventually,
  isAlive,
  type LaunchOptions,
  launch,
  makeFolder,
  type Tsicorn,
} from './tsicorn.ts'

export const hello = `export default (req, res) => res.end('hello')\n`

const folders: string[] = []

/** A folder that every user may enter. */
export function openFolder(files: Readonly<Record<string, string>> = {}): string {
  const folder = makeFolder({ 'app.mjs': hello, ...files })
  chmodSync(folder, 0o755)
  folders.push(folder)
  return folder
}

/** Starts a server in such a folder, with a pidfile, on a port of its own. */
export function launchIn(folder: string, args: readonly string[], options: LaunchOptions = {}): Tsicorn {
  const bind = args.includes('-b') ? [] : ['-b', '127.0.0.1:0']
  return launch({ ...options, folder, args: ['-p', 'app.pid', ...bind, ...args, './app.mjs'] })
}

export function read(folder: string, file: string): string {
  return readFileSync(join(folder, file), 'utf8')
}

/** The process id in a pidfile, which has to be there, and in its form. */
export function pidIn(folder: string, file = 'app.pid'): number {
  const [, pid] = /^(\d+)\n$/.exec(read(folder, file)) ?? []
  if (pid === undefined) throw new Error(`No process id: ${JSON.stringify(read(folder, file))}`)
  return Number(pid)
}

/** Ends the server of a pidfile, and waits until it is gone. */
export async function stopDaemon(folder: string, file = 'app.pid'): Promise<void> {
  const pid = pidIn(folder, file)
  process.kill(pid, 'SIGTERM')
  await eventually('the daemon is gone', () => !isAlive(pid))
}

/** To be called after each test: ends what the test left in the background. */
export async function cleanUpDaemons(): Promise<void> {
  for (const folder of folders) {
    for (const file of ['app.pid', 'app.pid.2']) {
      const pid = pidOf(join(folder, file))
      if (pid === undefined || !isDaemon(pid)) continue
      process.kill(pid, 'SIGTERM')
      await eventually('the daemon is gone', () => !isAlive(pid))
    }
  }
}

// A server that a test has launched itself lives on in its folder until all hooks are over.
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

function pidOf(path: string): number | undefined {
  if (!existsSync(path)) return undefined
  const pid = Number(readFileSync(path, 'utf8'))
  return pid > 0 && isAlive(pid) ? pid : undefined
}

/** Not this process, and not what it has launched and will end. */
function isDaemon(pid: number): boolean {
  const title = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  return title.startsWith('tsicorn: arbiter') && !childrenOf(process.pid).includes(pid)
}
