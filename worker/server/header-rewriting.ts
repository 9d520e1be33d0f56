/**
 * Rewrites the headers of valid requests, so that apps can trust them and find host and scheme where they look for
 * them.
 */
import type { IncomingMessage } from 'node:http'
import {
  absoluteForm,
  createForwarderHeaders,
  hostOf,
  isHttp2Request,
  type RequestRules,
  schemeHeadersOf,
} from '../http/validation.ts'
import { readScheme } from '../net/forwarded-scheme.ts'
import { createTrust } from '../net/trusted-peers.ts'

export type Rewrite = (req: IncomingMessage) => void

/** Expects requests that have passed validation by the same rules. */
export function createRewriter(rules: RequestRules): Rewrite {
  const isDropping = rules.header_map === 'drop'
  const keepsUnderscores = createForwarderHeaders(rules)
  const trusts = createTrust(rules.forwarded_allow_ips)
  const schemeHeaders = schemeHeadersOf(rules)

  return req => {
    if (isHttp2Request(req)) setHostFromAuthority(req)
    else if (!req.url?.startsWith('/')) setHostFromTarget(req)
    if (isDropping) dropUnderscores(req, keepsUnderscores)
    const scheme = readScheme(req, schemeHeaders)
    if (scheme === undefined) resetScheme(req)
    else if (scheme !== 'contradictory' && trusts(req.socket)) setScheme(req, scheme)
  }
}

function setHostFromAuthority(req: IncomingMessage): void {
  const host = hostOf(req, true)
  if (host !== undefined) req.headers.host = host
}

/** RFC 9112, section 3.2.2: the host of an absolute target overrides the Host header. */
function setHostFromTarget({ url = '', headers, rawHeaders }: IncomingMessage): void {
  const [, host] = absoluteForm.exec(url) ?? []
  if (host === undefined || host === headers.host) return
  headers.host = host
  const at = rawHeaders.findIndex((name, n) => n % 2 === 0 && name.toLowerCase() === 'host')
  if (at === -1) rawHeaders.push('Host', host)
  else rawHeaders[at + 1] = host
}

/**
 * Removes headers with an underscore: code that maps names to variables cannot tell `X_Real_IP` from the `X-Real-IP` of
 * a proxy.
 */
function dropUnderscores(
  { headers, rawHeaders, socket }: IncomingMessage,
  isKept: ReturnType<typeof createForwarderHeaders>,
): void {
  for (let n = rawHeaders.length - 2; n >= 0; n -= 2) {
    const name = rawHeaders[n] as string
    if (!name.includes('_') || isKept(name, socket)) continue
    rawHeaders.splice(n, 2)
    delete headers[name.toLowerCase()]
  }
}

/** Whether the proxy decides about the scheme: not where tsicorn itself terminates TLS. */
const isProxied = Symbol('scheme of the proxy')

type ProxiedSocket = IncomingMessage['socket'] & { encrypted?: boolean; [isProxied]?: boolean }

/** Every framework looks for the scheme on the socket. */
function setScheme({ socket }: IncomingMessage, isSecure: boolean): void {
  const proxied: ProxiedSocket = socket
  if (proxied[isProxied] === undefined) proxied[isProxied] = proxied.encrypted !== true
  if (proxied[isProxied]) proxied.encrypted = isSecure
}

/** An earlier request on this connection may have had a scheme. */
function resetScheme({ socket }: IncomingMessage): void {
  const proxied: ProxiedSocket = socket
  if (proxied[isProxied] === true) proxied.encrypted = false
}
