/** The server under test: a real daemon with the harness's app. */
import { fileURLToPath } from 'node:url'
import { Authority } from '../support/certificates.ts'
import { makeFolder, Tsicorn } from '../support/tsicorn.ts'
import { http2Kinds } from './client/kinds.ts'

/** The kinds of workers that the harness knows. */
export const workerClasses = ['async', 'sync', 'threads', 'exec', 'wsgi', 'wsgi, forked'] as const

export type WorkerClass = (typeof workerClasses)[number]

/** Clients for what this kind of worker cannot do, or a plain program of Node would lose. */
export const unserved: Readonly<Record<WorkerClass, readonly string[]>> = {
  async: [],
  // Those that do not wait until a worker is free would fill the queue.
  sync: [
    ...['open loop, keep-alive', 'open loop, idle', 'open loop, fresh', 'POST unread'],
    ...Object.keys(http2Kinds),
  ],
  threads: [],
  exec: ['pipelined', 'pipelined, slow', 'WebSocket', 'POST unread', 'POST unread, fresh'],
  wsgi: ['WebSocket'],
  'wsgi, forked': ['WebSocket'],
}

export interface ServerOptions {
  readonly workers: number
  readonly workerClass?: WorkerClass
  readonly maxRequests: number
  /** The Node to run it with. */
  readonly node: string
  /** Use TLS, and HTTP/2 as well. */
  readonly tls: boolean
}

export interface LossServer {
  readonly tsicorn: Tsicorn
  readonly tcp: { readonly host: string; readonly port: number }
  readonly unix: { readonly path: string }
  /** The authority that signed its certificate, if it has one. */
  readonly ca?: string
}

/** Starts the server; resolves when its workers run. */
export async function startServer(options: ServerOptions): Promise<LossServer> {
  const { workers, workerClass = 'async', node, tls } = options
  const authority = tls ? new Authority() : undefined
  const pair = authority?.sign('loss')
  authority?.remove()
  const folder = makeFolder(pair && { 'both.pem': pair.cert + pair.key })
  const socket = `${folder}/app.sock`
  const settings = { w: workers, b: '127.0.0.1:0', 'log-level': 'debug' }
  const flags = Object.entries(settings).map(([name, value]) =>
    name.length === 1 ? `-${name}${value}` : `--${name}=${value}`,
  )
  const args = [
    ...flags,
    // Half of the workers at a time: a reload of many workers ends sooner, and fewer share the load meanwhile.
    '--reload-surge=50%',
    `-bunix:${socket}`,
    ...(tls ? [`--certfile=${folder}/both.pem`] : []),
    ...(tls && workerClass !== 'sync' ? ['--http-protocols=h2,h1'] : []),
    ...served[workerClass](options),
  ]
  const command = [node, fileURLToPath(new URL('../../daemon/tsicorn.js', import.meta.url))] as const
  const tsicorn = new Tsicorn(folder, { args, command })
  const { hostname: host, port } = new URL(await tsicorn.running())
  return {
    tsicorn,
    tcp: { host, port: Number(port) },
    unix: { path: socket },
    ...(authority && { ca: authority.cert }),
  }
}

/** What is served, and when its workers are recycled. */
const served: Readonly<Record<WorkerClass, (options: ServerOptions) => readonly string[]>> = {
  async: options => [...recycled(options), fileOf('app.ts')],
  sync: options => ['-k', 'sync', ...recycled(options), fileOf('app.ts')],
  threads: options => ['-k', 'threads', '--threads=2', ...recycled(options), fileOf('app.ts')],
  wsgi: options => ['-kwsgi', `--chdir=${fileOf('programs')}`, ...recycled(options), 'wsgi'],
  'wsgi, forked': options => ['--preload', ...served.wsgi(options)],
  exec: ({ node }) => [
    ...['-k', 'exec', '--ready-line=^The program serves$'],
    ...['--max-worker-lifetime=15', '--max-worker-lifetime-jitter=15'],
    ...['--', node, fileOf('programs/node.ts')],
  ],
}

function recycled({ maxRequests }: ServerOptions): readonly string[] {
  return [`--max-requests=${maxRequests}`, `--max-requests-jitter=${Math.ceil(maxRequests / 2)}`]
}

function fileOf(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url))
}
