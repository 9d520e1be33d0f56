/** The server under test: a real daemon with the harness's app. */
import { fileURLToPath } from 'node:url'
import { Authority } from '../support/certificates.ts'
import { makeFolder, Tsicorn } from '../support/tsicorn.ts'

export interface ServerOptions {
  readonly workers: number
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
export async function startServer({ workers, maxRequests, node, tls }: ServerOptions): Promise<LossServer> {
  const authority = tls ? new Authority() : undefined
  const pair = authority?.sign('loss')
  authority?.remove()
  const folder = makeFolder(pair && { 'both.pem': pair.cert + pair.key })
  const socket = `${folder}/app.sock`
  const settings = { w: workers, b: '127.0.0.1:0', 'log-level': 'debug', 'max-requests': maxRequests }
  const flags = Object.entries(settings).map(([name, value]) =>
    name.length === 1 ? `-${name}${value}` : `--${name}=${value}`,
  )
  const args = [
    ...flags,
    // Half of the workers at a time: a reload of many workers ends sooner, and fewer share the load meanwhile.
    '--reload-surge=50%',
    `--max-requests-jitter=${Math.ceil(maxRequests / 2)}`,
    `-bunix:${socket}`,
    ...(tls ? [`--certfile=${folder}/both.pem`, '--http-protocols=h2,h1'] : []),
    fileURLToPath(new URL('./app.ts', import.meta.url)),
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
