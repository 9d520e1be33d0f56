/** The servers that are compared: apps of frameworks under tsicorn, and on their own; one process each. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const folder = join(root, 'dist-bench', 'frameworks')

const packages = [
  ...['hono@4', '@hono/node-server@2', 'srvx@1', 'express@5', 'fastify@5', 'koa@3'],
  ...['@nestjs/common@11', '@nestjs/core@11', '@nestjs/platform-express@11', 'reflect-metadata', 'rxjs@7'],
]

/** Installs the frameworks from the npm registry, which takes a moment. */
export async function install(): Promise<void> {
  await mkdir(folder, { recursive: true })
  await cp(join(import.meta.dirname, 'programs'), folder, { recursive: true })
  const flags = ['--no-audit', '--no-fund', '--no-save', '--ignore-scripts']
  await promisify(execFile)('npm', ['install', '--prefix', folder, ...flags, ...packages])
}

const tsicorn = (app: string) => [join(root, 'daemon/tsicorn.js'), ...['-w', '1', '-b', '127.0.0.1:0', app]]
const own = (app: string) => ['own.mjs', app]

/** Each is a command that says where it listens. */
export const sides = {
  bare: tsicorn('./bare.mjs'),
  'bare-own': own('./bare.mjs'),
  hono: tsicorn('./hono.mjs'),
  'hono-own': own('./hono.mjs'),
  /** Other ways to serve the fetch handler under tsicorn. */
  'hono-listener': tsicorn('./hono-listener.mjs'),
  'hono-srvx': tsicorn('./hono-srvx.mjs'),
  express: tsicorn('./express.mjs'),
  'express-own': own('./express.mjs'),
  fastify: tsicorn('./fastify.mjs'),
  'fastify-own': own('./fastify.mjs'),
  koa: tsicorn('./koa.mjs'),
  'koa-own': own('./koa.mjs'),
  nest: tsicorn('./nest.mjs:createApp'),
  'nest-own': own('./nest.mjs'),
} as const

export type Side = keyof typeof sides

export interface RunningServer {
  readonly pid: number
  readonly port: number
  stop(): Promise<void>
}

/** Starts a server; if it ends before it serves, rejects with its output. */
export async function startServer(
  side: Side,
  { isHttp2 }: { readonly isHttp2: boolean },
): Promise<RunningServer> {
  const isOwn = side.endsWith('-own')
  if (isOwn && isHttp2) throw new Error(`${side} has no HTTP/2: choose other --sides`)
  const command = [...sides[side], ...(isHttp2 ? ['--http2-cleartext', 'prior-knowledge'] : [])]
  const child = spawn(process.execPath, command, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = once(child, 'exit')
  const isReady = (said: string) => isOwn || said.includes('Running: 1 worker')
  return {
    port: await untilReady(side, child, isReady),
    pid: child.pid!,
    async stop() {
      child.kill('SIGTERM')
      await exited
    },
  }
}

/** The port of a server, once it listens and `isReady` says so of what it has said; rejects with that if it ends. */
function untilReady(side: string, child: ChildProcess, isReady: (said: string) => boolean): Promise<number> {
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
