/** What Python needs to know of a request to make an `environ` (PEP 3333); `environ_of` in `host.py` reads it. */
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { createForwarderHeaders, type RequestRules } from '../http/validation.ts'
import { normalizeMount } from '../net/mount.ts'

export type HeadOptions = RequestRules & { readonly root_path: string }

/** `length` is that of a body which is complete. */
export type DescribeRequest = (req: IncomingMessage, length: number | undefined) => string

export function createRequestHead(options: HeadOptions): DescribeRequest {
  const keepsUnderscores = createForwarderHeaders(options)
  const rootPath = normalizeMount(options.root_path)
  return (req, length) => {
    const { method, url = '', socket, rawHeaders, headers } = req
    let script = rootPath
    let fields = ''
    let hasHost = false
    for (let n = 0; n < rawHeaders.length; n += 2) {
      const name = rawHeaders[n] as string
      const value = rawHeaders[n + 1] as string
      // A pseudo-header of HTTP/2.
      if (name.startsWith(':')) continue
      const size = name.length
      if (size === 4) hasHost ||= name.toLowerCase() === 'host'
      // httpoxy: code that takes variables for those of the process would send its own requests there.
      else if (size === 5 && name.toLowerCase() === 'proxy') continue
      // The body is no longer chunked, and has a length (RFC 9112, section 6.3).
      else if (size === 17 && length !== undefined && name.toLowerCase() === 'transfer-encoding') continue
      else if (size === 11 && name.toUpperCase() === 'SCRIPT_NAME') {
        // Only a proxy may say where the app is mounted.
        if (keepsUnderscores(name, socket)) script = normalizeMount(value)
        continue
      }
      fields += `\0${name}\0${value}`
    }
    if (length && headers['content-length'] === undefined) fields += `\0Content-Length\0${length}`
    // HTTP/2 has it in `:authority`.
    if (!hasHost && headers.host !== undefined) fields += `\0Host\0${headers.host}`
    const scheme = (socket as TLSSocket).encrypted ? 'https' : 'http'
    const { host, port } = serverOf(req, scheme)
    return `${method}\0${url}\0HTTP/${req.httpVersion}\0${socket.remoteAddress ?? ''}\0${socket.remotePort ?? ''}\0${scheme}\0${host}\0${port}\0${pathOf(url)}\0${script}${fields}`
  }
}

/** The path of an absolute target, which may have none; a fragment is no part of a target. */
function pathOf(url: string): string {
  if (url.startsWith('/')) return url.includes('#') ? (url.split('#', 1)[0] as string) : url
  if (url === '*') return url
  const path = url.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, '').split('#', 1)[0] as string
  return path.startsWith('/') ? path : `/${path}`
}

/** A unix socket has neither address nor port, and PEP 3333 wants both. */
function serverOf({ socket, headers }: IncomingMessage, scheme: string): { host: string; port: string } {
  if (socket.localAddress !== undefined)
    return { host: socket.localAddress, port: String(socket.localPort ?? '') }
  const [, host = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(headers.host ?? '') ?? []
  return { host: host || 'localhost', port: port ?? (scheme === 'https' ? '443' : '80') }
}
