/** Starts and stops the servers of the benchmark. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** How many workers each server runs. */
export const workers = 2

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = join(root, 'dist-bench')
const program = (name: string) => join(folder, `${name}.js`)

const tsicorn = (app: string, ...args: readonly string[]) => [
  join(root, 'daemon/tsicorn.js'),
  ...['-w', `${workers}`, '-b', '127.0.0.1:0', ...args],
  program(app),
]
const accessLog = join(folder, 'access.log')
/** Where nobody listens, datagrams are dropped, and that is noticed: `startServer` listens there. */
const statsdPort = 8_125

/** The compared servers: each is a command that prints where it listens and when its workers run. */
export const sides = {
  limit: [program('limit')],
  tsicorn: tsicorn('app'),
  cluster: [program('cluster')],
  'access-log': tsicorn('app', '--access-logfile', accessLog),
  'json-log': tsicorn('app', '--access-logfile', accessLog, '--access-logformat', 'json'),
  statsd: tsicorn('app', '--statsd-host', `127.0.0.1:${statsdPort}`),
  'request-timeout': tsicorn('app', '--request-timeout', '30'),
} as const

/** Those that are compared unless others are chosen. */
export const usualSides: readonly Side[] = ['limit', 'tsicorn', 'cluster']

/** Bundles the other programs as tsicorn is: removing types takes time and memory at every start. */
export async function bundlePrograms(): Promise<void> {
  await build({
    absWorkingDir: import.meta.dirname,
    entryPoints: ['limit.ts', 'limit-worker.ts', 'cluster.ts', 'app.ts'],
    outdir: folder,
    bundle: true,
    format: 'esm',
    platform: 'node',
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
  const statsd = side === 'statsd' ? createSocket('udp4').bind(statsdPort, '127.0.0.1') : undefined
  const child = spawn(process.execPath, sides[side], { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = once(child, 'exit')
  const isReady = (said: string) => said.includes(`Running: ${workers} workers`)
  const port = await untilReady(side, child, isReady)
  return {
    pid: child.pid!,
    port,
    async stop() {
      child.kill('SIGTERM')
      await exited
      statsd?.close()
      rmSync(accessLog, { force: true })
    },
  }
}

/** The port of a server, once it listens and `isReady` says so of what it has said; rejects with that if it ends. */
export function untilReady(
  side: string,
  child: ChildProcess,
  isReady: (said: string) => boolean,
): Promise<number> {
  let said = ''
  return new Promise((resolve, reject) => {
    child.once('close', () => reject(new Error(`Cannot start ${side}: it ended and said:\n${said}`)))
    const hear = (chunk: Buffer) => {
      said += chunk
      const [, port] = /Listening at: http:\/\/127\.0\.0\.1:(\d+)/.exec(said) ?? []
      if (port !== undefined && isReady(said)) resolve(Number(port))
    }
    child.stdout?.on('data', hear)
    child.stderr?.on('data', hear)
  })
}
