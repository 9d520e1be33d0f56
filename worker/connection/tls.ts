/** Terminates TLS in front of a server; loaded only where there is a certificate. */
import type { Socket } from 'node:net'
import { createSecureContext, createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls'
import type { HookCaller } from '../../hooks/run.ts'
import { stackOf } from '../../hooks/thrown.ts'
import { destroyWhenReset } from '../http/lost-client.ts'
import type { WorkerLog } from '../process/log.ts'
import { TlsFailed } from '../protocol/boot-error.ts'
import type { TlsMaterial, WorkerSettings } from '../protocol/messages.ts'
import { contextOptions } from '../protocol/tls-options.ts'

export interface TlsParts {
  readonly settings: WorkerSettings
  readonly material: TlsMaterial
  readonly hooks: HookCaller
  readonly log: WorkerLog
}

export interface TlsTerminator {
  /** Returns a function that takes plain connections, and hands them on after the handshake. */
  accept(onSecure: (socket: TLSSocket) => void): (socket: Socket) => void
  renew(material: TlsMaterial): Promise<void>
}

type Sni = NonNullable<TlsOptions['SNICallback']>

/** How long a handshake may take, in milliseconds: Node's limit for the head of a request. */
const handshakeTimeoutMs = 60_000

const alpnNames: Readonly<Record<string, string>> = { h1: 'http/1.1', h2: 'h2' }

/** Rejects with `HookError` or `TlsFailed`. */
export async function createTls({ settings, material, hooks, log }: TlsParts): Promise<TlsTerminator> {
  const servers: Server[] = []
  let options = await optionsOf(material, hooks)
  const protocols = settings.http_protocols.map(name => alpnNames[name] as string)
  return {
    accept(onSecure) {
      const { ALPNCallback } = options
      // Looked up for each handshake: a renewal may have brought another callback, or the first one.
      const SNICallback: Sni = (name, done) =>
        options.SNICallback === undefined ? done(null) : guarded(options.SNICallback, log)(name, done)
      const server = createServer({
        handshakeTimeout: handshakeTimeoutMs,
        ...(ALPNCallback === undefined ? { ALPNProtocols: protocols } : {}),
        ...options,
        ...(hooks.has('ssl_context') ? { SNICallback } : {}),
      })
      server.on('secureConnection', socket => {
        destroyWhenReset(socket)
        if (material.cert_reqs === 1 && hasUntrustedCertificate(socket)) socket.destroy()
        else onSecure(socket)
      })
      server.on('tlsClientError', ({ message }, socket) => {
        log.debug(`A TLS handshake failed (${socket.remoteAddress ?? 'the client has left'}): ${message}`)
      })
      servers.push(server)
      return socket => {
        // As in Node's own TLS servers: otherwise a client that leaves after its handshake goes unnoticed.
        socket.allowHalfOpen = false
        server.emit('connection', socket)
      }
    },
    async renew(renewed) {
      options = await optionsOf(renewed, hooks)
      for (const server of servers) server.setSecureContext(options)
    },
  }
}

/** One that throws or rejects fails its handshake, which neither ends the worker nor leaves the client waiting. */
function guarded(callback: Sni, log: WorkerLog): Sni {
  return async (name, done) => {
    try {
      await callback(name, done)
    } catch (error) {
      log.error(`SNICallback failed for ${JSON.stringify(name)}: ${stackOf(error)}`)
      done(error as Error)
    }
  }
}

/**
 * Where certificates are optional, Node accepts an untrusted one; here a client that sends one must send a valid one.
 */
function hasUntrustedCertificate(socket: TLSSocket): boolean {
  if (socket.authorized || socket.authorizationError === null) return false
  return Object.keys(socket.getPeerCertificate() ?? {}).length > 0
}

async function optionsOf(material: TlsMaterial, hooks: HookCaller): Promise<TlsOptions> {
  const defaultContext = (): TlsOptions => ({
    ...contextOptions(material),
    ticketKeys: Buffer.from(material.ticketKeys, 'base64'),
    requestCert: material.cert_reqs > 0,
    rejectUnauthorized: material.cert_reqs === 2,
  })
  const options = hooks.has('ssl_context')
    ? await hooks.call('ssl_context', material.settings ?? {}, defaultContext)
    : defaultContext()
  if (typeof options !== 'object' || options === null) {
    throw new TlsFailed(
      `The hook ssl_context returned ${String(options)}: return options of a TLS server, such as default_ssl_context_factory() makes`,
    )
  }
  try {
    createSecureContext(options)
  } catch (error) {
    const whose = hooks.has('ssl_context') ? 'the options that ssl_context returned' : 'certfile and keyfile'
    throw new TlsFailed(`TLS cannot be spoken with ${whose}: ${(error as Error).message}`, { cause: error })
  }
  return options
}
