/** Servers in the background, for tests: found by their pidfile, and gone when the test is over. */
import { chmodSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { eventually, isAlive, type LaunchOptions, launch, makeFolder, type Tsicorn } from './tsicorn.ts'

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

/** To be called after each test: ends what the test left running, and removes the folders. */
export async function cleanUpDaemons(): Promise<void> {
  for (const folder of folders.splice(0)) {
    const pids = ['app.pid', 'app.pid.2'].flatMap(file => {
      try {
        return [pidIn(folder, file)]
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
        // Some tests write other things there.
        return []
      }
    })
    for (const pid of pids) {
      if (pid !== process.pid && isAlive(pid)) await stopDaemon(folder).catch(() => undefined)
    }
    rmSync(folder, { recursive: true, force: true })
  }
}
