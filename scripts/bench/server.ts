/** Starts and stops the servers of the benchmark. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** How many workers each server runs. */
export const workers = 2

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = join(root, 'dist-bench')
const program = (name: string) => join(folder, `${name}.js`)

/** The compared servers: each is a command that prints where it listens and when its workers run. */
export const sides = {
  limit: [program('limit')],
  tsicorn: [join(root, 'daemon/tsicorn.js'), '-w', `${workers}`, '-b', '127.0.0.1:0', program('app')],
  cluster: [program('cluster')],
} as const

/** Bundles the other programs as tsicorn is: removing types takes time and memory at every start. */
export async function bundlePrograms(): Promise<void> {
  await build({
    absWorkingDir: import.meta.dirname,
    entryPoints: ['limit.ts', 'limit-worker.ts', 'cluster.ts', 'app.ts'],
    outdir: folder,
    bundle: true,
    format: 'esm',
    platform: 'node',
    external: ['winston'],
    logLevel: 'warning',
  })
}

export type Side = keyof typeof sides

export interface RunningServer {
  readonly pid: number
  readonly port: number
  stop(): Promise<void>
}

/** Starts a server; if it ends before its workers run, rejects with its output. */
export async function startServer(side: Side): Promise<RunningServer> {
  // A folder without a configuration.
  const cwd = import.meta.dirname
  const child = spawn(process.execPath, sides[side], { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = once(child, 'exit')
  const port = await untilRunning(side, child)
  return {
    pid: child.pid!,
    port,
    async stop() {
      child.kill('SIGTERM')
      await exited
    },
  }
}

function untilRunning(side: Side, child: ChildProcess): Promise<number> {
  let said = ''
  return new Promise((resolve, reject) => {
    child.once('close', () => reject(new Error(`Cannot start ${side}: it ended and said:\n${said}`)))
    const hear = (chunk: Buffer) => {
      said += chunk
      const [, port] = /Listening at: http:\/\/127\.0\.0\.1:(\d+)/.exec(said) ?? []
      if (port !== undefined && said.includes(`Running: ${workers} workers`)) resolve(Number(port))
    }
    child.stdout?.on('data', hear)
    child.stderr?.on('data', hear)
  })
}
