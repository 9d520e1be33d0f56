/** The URL of a Request, from the target and the host of a Node request. */
import type { IncomingMessage } from 'node:http'

/** The characters of an authority; a slash or question mark in the Host would change the path. */
const authority = /^[\w\-.~!$&'()*+,;=%:[\]]+$/

/** A target that is in its URL as it is, but for segments of dots. */
const usualTarget = /^\/[\w\-.~!$&()*+,;=:@%/?]*$/
const dotSegment = /\/(?:\.|%2e){1,2}(?:[/?]|$)/i

/** @throws TypeError when the host is none, or no URL can be made of it */
export function urlOf(req: IncomingMessage): string {
  const target = targetOf(req.url)
  const host = req.headers.host ?? req.headers[':authority'] ?? 'localhost'
  if (typeof host !== 'string') throw new TypeError(`${host} is not a host`)
  const { encrypted } = req.socket as { readonly encrypted?: boolean }
  const url = `${originOf(encrypted === true ? 'https' : 'http', host)}${target}`
  return usualTarget.test(target) && !dotSegment.test(target) ? url : new URL(url).href
}

/** With a slash before it. */
function targetOf(url = '/'): string {
  if (url.startsWith('/')) return url
  // For an absolute target (RFC 9112, section 3.2.2), the host is in the header and the scheme is that of the
  // connection.
  const target = url.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, '')
  return target.startsWith('/') ? target : `/${target}`
}

/** As a URL has them: in lower case, without the usual port. Most requests have the host of one before. */
const origins = { http: new Map<string, string>(), https: new Map<string, string>() }
const mostOrigins = 100

function originOf(scheme: keyof typeof origins, host: string): string {
  const known = origins[scheme].get(host)
  if (known !== undefined) return known
  if (!authority.test(host)) throw new TypeError(`${host} is not a host`)
  const origin = new URL(`${scheme}://${host}`).href.slice(0, -1)
  if (origins[scheme].size >= mostOrigins) origins[scheme].clear()
  origins[scheme].set(host, origin)
  return origin
}
