/** The servers that are attacked: each shape of application, and between them each setting that reads what a client sends. */
import { fileURLToPath } from 'node:url'
import type { Target } from '../conversation.ts'

export interface Victim {
  readonly name: string
  /** The path of its application. */
  readonly app: string
  /** For its tsicorn.config.json; those of TLS want `cert.pem` and `key.pem` beside it. */
  readonly settings: Readonly<Record<string, unknown>>
  readonly tls: boolean
  readonly proxyProtocol: boolean
}

const cleartext = { http2_cleartext: 'prior-knowledge' }
const tls = { certfile: 'cert.pem', keyfile: 'key.pem', http_protocols: ['h2', 'h1'] }

export const victims: readonly Victim[] = [
  victim('a listener', 'listener', { ...cleartext, limit_request_body: 50_000, accesslog: 'access.log' }),
  victim('a server behind a proxy', 'server', { ...cleartext, proxy_protocol: 'auto', keepalive: 1 }),
  victim('Express', 'express', { ...cleartext, request_id_header: 'X-Request-Id', request_timeout: 1 }),
  victim('a fetch handler over TLS', 'fetch', { ...tls, limit_request_body: 50_000, header_timeout: 1 }),
  victim('Fastify over TLS', 'fastify', { ...tls, accesslog: 'access.log' }),
  victim('a server over TLS behind a proxy', 'server', { ...tls, proxy_protocol: 'required', keepalive: 0 }),
]

function victim(name: string, app: string, settings: Victim['settings']): Victim {
  return {
    name,
    app: fileURLToPath(new URL(`apps/${app}.mjs`, import.meta.url)),
    settings,
    tls: 'certfile' in settings,
    proxyProtocol: 'proxy_protocol' in settings,
  }
}

export function targetOf({ tls, proxyProtocol }: Victim, url: string): Target {
  const { hostname: host, port } = new URL(url)
  return { host, port: Number(port), tls, proxyProtocol }
}
